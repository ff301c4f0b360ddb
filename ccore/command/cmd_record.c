// SPDX-License-Identifier: GPL-2.0-or-later
// record: how a running process grows, sample by sample, as a file.
#include "command/command.h"
#include "command/recording.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_MS_MIN 10u
#define DURATION_MS_MAX (100ull * 366 * 24 * 3600 * 1000)
#define NAP_MS 50u // Ctrl-C is heeded so soon

struct record {
	struct session *s;
	struct ccore_result *r;
	struct recording_source source;
	const char *path;
	int fd;
	uint64_t written; // bytes of whole lines
	uint64_t interval_ms, duration_ms, count_every;
	uint64_t started_ms; // of a clock that never jumps
	uint64_t sample_n, stop_n, longest_us, count_failures;
	struct ccore_error count_error;
	struct recording_sample first, last;
	uint64_t least[RECORDING_COLUMN_N], most[RECORDING_COLUMN_N];
};

static uint64_t now_ms(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t); // both there always are
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// "1s", "500ms", "2m", "1h", "1d"; a number alone is seconds.
static int parse_time(const char *option, const char *text, uint64_t *ret, struct ccore_error *err)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"", 1000},   {"ms", 1},	   {"s", 1000},
		     {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	uint64_t n = 0;
	const char *c = text;

	for (; *c >= '0' && *c <= '9' && n <= DURATION_MS_MAX; c++)
		n = n * 10 + (uint64_t)(*c - '0');
	for (unsigned i = 0; c != text && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(c, units[i].name) != 0 || n > DURATION_MS_MAX / units[i].ms)
			continue;
		*ret = n * units[i].ms;
		return 0;
	}
	return err_set(err, CCORE_EUSAGE, 0,
		       "%s %.100s: must be a time such as 500ms, 1s, 10m or 2h", option, text);
}

static int parse_options(struct record *rec, const struct args *a, struct ccore_error *err)
{
	const char *duration = args_str(a, "--duration");

	TRY(parse_time("--interval", args_str(a, "--interval"), &rec->interval_ms, err));
	rec->duration_ms = DURATION_MS_MAX;
	if (duration)
		TRY(parse_time("--duration", duration, &rec->duration_ms, err));
	if (args_str(a, "--count-every"))
		TRY(args_u64(a, "--count-every", &rec->count_every, err));
	if (rec->interval_ms < INTERVAL_MS_MIN)
		return err_set(err, CCORE_EUSAGE, 0, "--interval must be at least %u ms",
			       INTERVAL_MS_MIN);
	if (!a->output)
		return err_set(err, CCORE_EUSAGE, 0,
			       "record writes its samples to a file: add -o run.csv");
	rec->path = a->output;
	return 0;
}

// -- the file

static int cannot_write(struct record *rec, int error, struct ccore_error *err)
{
	// Half a line would be read as a whole one.
	if (rec->fd >= 0 && ftruncate(rec->fd, (off_t)rec->written) < 0)
		error = error ? error : errno;
	return err_set(err, CCORE_EIO, 0, "cannot write %s: %s%s (%" PRIu64 " samples are in it)",
		       rec->path, strerror(error),
		       error == ENOSPC ? "; make room, or choose another place" : "",
		       rec->sample_n);
}

static int write_line(struct record *rec, struct strbuf *line, struct ccore_error *err)
{
	uint64_t done = 0;

	if (line->failed)
		return err_nomem(err);
	while (done < line->n) {
		const ssize_t n = write(rec->fd, line->data + done, line->n - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cannot_write(rec, n < 0 ? errno : ENOSPC, err);
		done += (uint64_t)n;
	}
	rec->written += done;
	return 0;
}

static int begin_file(struct record *rec, struct ccore_error *err)
{
	struct strbuf line = {0};
	int r;

	rec->fd = open(rec->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (rec->fd < 0)
		return cannot_write(rec, errno, err);
	recording_header(&line);
	r = write_line(rec, &line, err);
	strbuf_done(&line);
	return r;
}

// -- samples

static void remember(struct record *rec, const struct recording_sample *sample)
{
	if (!rec->sample_n++)
		rec->first = *sample;
	rec->last.time_ms = sample->time_ms;
	rec->last.elapsed_ms = sample->elapsed_ms;
	for (unsigned c = 0; c < RECORDING_COLUMN_N; c++) {
		const uint64_t x = sample->values[c];

		if (x == TABLE_UNKNOWN)
			continue;
		// The first of what is counted now and then may come later.
		if (rec->first.values[c] == TABLE_UNKNOWN)
			rec->first.values[c] = x;
		rec->last.values[c] = x;
		rec->least[c] = u64_min(rec->least[c], x);
		if (rec->most[c] == TABLE_UNKNOWN || x > rec->most[c])
			rec->most[c] = x;
	}
	if (sample->values[RECORDING_STOPPED]) {
		rec->stop_n++;
		rec->longest_us = rec->most[RECORDING_STOPPED];
	}
}

// 1: the process is not what it was.
static int take_sample(struct record *rec, struct ccore_error *err)
{
	struct recording_sample sample = {
		.time_ms = now_ms(CLOCK_REALTIME),
		.elapsed_ms = now_ms(CLOCK_MONOTONIC) - rec->started_ms,
	};
	struct strbuf line = {0};
	int r = recording_sample_take(&rec->source, &sample);

	if (r)
		return r;
	if (rec->count_every && rec->sample_n % rec->count_every == 0) {
		r = recording_count(rec->s, &sample, &rec->count_error);
		if (r == CCORE_ECANCELED)
			return r;
		rec->count_failures += r < 0;
	}
	recording_line(&sample, &line);
	r = write_line(rec, &line, err);
	strbuf_done(&line);
	if (r == 0)
		remember(rec, &sample);
	return r;
}

// Sleep until `until_ms`; 1 when the caller wants to end.
static int wait_until(struct record *rec, uint64_t until_ms)
{
	for (;;) {
		const uint64_t now = now_ms(CLOCK_MONOTONIC);
		const uint64_t nap = now < until_ms ? u64_min(until_ms - now, NAP_MS) : 0;
		const struct timespec t = {.tv_nsec = (long)nap * 1000000};

		if (progress_report(&rec->s->progress, "samples", rec->sample_n, 0, NULL) < 0)
			return 1;
		if (!nap)
			return 0;
		(void)nanosleep(&t, NULL); // the clock tells how long it was
	}
}

static int record_samples(struct record *rec, struct ccore_error *err)
{
	uint64_t next;
	int r;

	rec->started_ms = next = now_ms(CLOCK_MONOTONIC);
	for (;;) {
		r = take_sample(rec, err);
		if (r)
			break;
		// What could not be taken in time is left out, so that the rest stays in step.
		do
			next += rec->interval_ms;
		while (next <= now_ms(CLOCK_MONOTONIC));
		if (next - rec->started_ms > rec->duration_ms)
			return 0;
		if (wait_until(rec, next)) {
			r = CCORE_ECANCELED;
			break;
		}
	}
	if (r == CCORE_ECANCELED) {
		result_note(rec->r, "interrupted: %s has all samples until then", rec->path);
		return 0;
	}
	if (r == 1) {
		result_note(rec->r,
			    "process %lld has ended, or executes another program, after %" PRIu64
			    " samples: %s has these",
			    (long long)rec->source.pid, rec->sample_n, rec->path);
		rec->r->incomplete = true;
		return 0;
	}
	return r;
}

// -- the summary

static void fill_table(const struct record *rec)
{
	struct table *t = &rec->r->table;
	const uint64_t name = table_column(t, "column", "", CCORE_STR, 0);
	const uint64_t first = table_column(t, "first", "", CCORE_U64, COLUMN_NULLABLE);
	const uint64_t last = table_column(t, "last", "", CCORE_U64, COLUMN_NULLABLE);
	const uint64_t least = table_column(t, "least", "", CCORE_U64, COLUMN_NULLABLE);
	const uint64_t most = table_column(t, "most", "", CCORE_U64, COLUMN_NULLABLE);
	const uint64_t unit = table_column(t, "unit", "", CCORE_STR, 0);

	t->noun = "columns";
	for (unsigned c = 0; c < RECORDING_COLUMN_N; c++) {
		const uint64_t row = table_row(t);

		table_set_str(t, row, name, recording_name((enum recording_column)c));
		table_set_u64(t, row, first, rec->first.values[c]);
		table_set_u64(t, row, last, rec->last.values[c]);
		table_set_u64(t, row, least, rec->least[c]);
		table_set_u64(t, row, most, rec->most[c]);
		table_set_str(t, row, unit, recording_unit((enum recording_column)c));
	}
}

static void add_notes(const struct record *rec)
{
	result_note(rec->r, "%" PRIu64 " samples in %" PRIu64 ".%" PRIu64 " s, in %s",
		    rec->sample_n, rec->last.elapsed_ms / 1000, rec->last.elapsed_ms % 1000 / 100,
		    rec->path);
	if (rec->stop_n)
		result_note(rec->r,
			    "the process was stopped %" PRIu64 " times, to count its objects, for "
			    "%.1f ms at most",
			    rec->stop_n, (double)rec->longest_us / 1e3);
	else
		result_note(rec->r, "the process was not stopped");
	if (rec->count_failures) {
		result_note(rec->r, "%" PRIu64 " times its objects could not be counted: %s",
			    rec->count_failures, rec->count_error.text);
		rec->r->incomplete = true;
	}
	if (rec->last.values[RECORDING_PSS] == TABLE_UNKNOWN)
		result_note(rec->r, "pss is not known: /proc/%lld/smaps_rollup cannot be read",
			    (long long)rec->source.pid);
}

static int check_target(const struct session *s, struct ccore_error *err)
{
	if (s->target.kind != TARGET_PROCESS)
		return err_set(err, CCORE_EUSAGE, 0,
			       "record samples a running process: give it a process id");
	if (s->target.live_fd < 0)
		return err_set(err, CCORE_EUSAGE, 0,
			       "record samples a process as it runs, and this one was opened "
			       "stopped: run `necropy record %lld`, not in a debugger",
			       (long long)s->target.pid);
	return 0;
}

static int run(struct session *s, const struct args *a, struct ccore_result *r,
	       struct ccore_error *err)
{
	struct record rec = {.s = s, .r = r, .fd = -1};
	int status;

	TRY(check_target(s, err));
	TRY(parse_options(&rec, a, err));
	for (unsigned c = 0; c < RECORDING_COLUMN_N; c++)
		rec.first.values[c] = rec.last.values[c] = rec.least[c] = rec.most[c] =
			TABLE_UNKNOWN;
	// Threads and frames come and go while they are looked at: nothing of them is needed here.
	heap_reader(&s->heap)->damage = (struct damage){0};
	status = recording_source_open(&rec.source, s, err);
	if (status == 0)
		status = begin_file(&rec, err);
	if (status == 0)
		status = record_samples(&rec, err);
	recording_source_done(&rec.source);
	if (rec.fd >= 0 && close(rec.fd) < 0 && status == 0) {
		rec.fd = -1;
		status = cannot_write(&rec, errno, err);
	}
	if (status == 0) {
		fill_table(&rec);
		add_notes(&rec);
	}
	return status;
}

const struct command command_record = {
	.name = "record",
	.summary = "samples of a running process over time, as CSV",
	.argument = "",
	.details =
		"The process runs on: memory is what the kernel says of it, and the collector's "
		"counters are read as they are. It is stopped once at the start, and for each "
		"count of its objects (--count-every); the file says in stopped_us for how long. "
		"Ctrl-C ends a recording. The file has each sample as soon as it is taken.",
	.example = "record --interval 1s --duration 10m -o run.csv\n"
		   "column       first       last      least       most  unit\n"
		   "rss       52428800  104857600   52428800  104857600  bytes\n"
		   "… 17 more columns\n",
	.is_whole = true,
	.writes_output = true,
	.params =
		{
			{"--interval", "TIME", NULL, "1s", "from one sample to the next"},
			{"--duration", "TIME", NULL, NULL, "how long; without it until Ctrl-C"},
			{"--count-every", "N", NULL, NULL,
			 "count the objects of each generation at every Nth sample"},
		},
	.run = run,
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Command lines, as GNU's getopt_long reads them: options anywhere, `--opt=value`,
 * `--opt value`, `-n5`, unambiguous beginnings of long names, `--` ends the options. It has
 * no state of its own, because gdb runs us beside others.
 */
#include "command/command.h"
#include "util/near.h"
#include "util/parse.h"

#include <assert.h>
#include <string.h>

#define LIMIT_DEFAULT 20u

const struct param common_params[] = {
	{"-n", "N", NULL, "20", "rows to show; 'all' for all of them"},
	{"-o", "FILE", NULL, NULL, "write the answer to FILE"},
	{"--json", NULL, NULL, NULL, "one JSON document"},
	{"--jsonl", NULL, NULL, NULL, "one JSON object a line, one line a row"},
	{"--csv", NULL, NULL, NULL, "comma-separated values, with a header line"},
	{"--bytes", NULL, NULL, NULL, "sizes in bytes, not in KiB, MiB, GiB"},
	{0},
};

struct parser {
	const struct command *command;
	const char *const *argv;
	uint64_t argc, next;
	bool options_ended, format_chosen;
	struct args args;
	struct ccore_error *err;
};

static uint64_t own_param_n(const struct command *c)
{
	uint64_t n = 0;

	while (n < COMMAND_PARAMS_MAX && c->params[n].name)
		n++;
	return n;
}

const struct param *command_param(const struct command *c, uint64_t j)
{
	const uint64_t own_n = own_param_n(c);

	assert(c);
	if (j < own_n)
		return &c->params[j];
	for (const struct param *p = common_params; p->name; p++)
		if (j-- == own_n)
			return p;
	return NULL;
}

static const char *const format_names[] = {
	[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_JSONL] = "jsonl",
	[FORMAT_CSV] = "csv",	[FORMAT_DOT] = "dot",	[FORMAT_SVG] = "svg",
	[FORMAT_PNG] = "png",
};

const char *output_format_name(enum output_format format)
{
	return format_names[format];
}

static bool parse_format(const char *name, enum output_format *ret)
{
	for (unsigned i = 0; i < sizeof(format_names) / sizeof(format_names[0]); i++) {
		if (!strcmp(format_names[i], name)) {
			*ret = (enum output_format)i;
			return true;
		}
	}
	return false;
}

// Near names are offered for long options; a letter is near to every other.
static int no_such_option(struct parser *p, const char *text, uint64_t n)
{
	const bool is_long = n > 2 && text[1] == '-';
	struct strbuf wanted = {0}, hint = {0};
	struct near_names near = {.prefix = "--"};
	const struct param *o;

	strbuf_add(&wanted, text, n);
	near.wanted = is_long && !wanted.failed ? wanted.data + 2 : "";
	for (uint64_t j = 0; is_long && (o = command_param(p->command, j)); j++)
		if (o->name[1] == '-')
			near_offer(&near, o->name + 2);
	near_describe(&near, &hint);
	(void)err_set(p->err, CCORE_EUSAGE, 0, "%s has no option %.*s%s", p->command->name,
		      (int)(n < 100 ? n : 100), text, hint.n ? hint.data : "; --help lists them");
	strbuf_done(&wanted);
	strbuf_done(&hint);
	return CCORE_EUSAGE;
}

// The option whose name is, or alone begins with, the `n` bytes at `text`.
static int find_long_option(struct parser *p, const char *text, uint64_t n, uint64_t *ret)
{
	const struct param *o, *first = NULL;
	uint64_t first_j = 0;
	bool ambiguous = false;

	for (uint64_t j = 0; (o = command_param(p->command, j)); j++) {
		if (strncmp(o->name, text, n) != 0)
			continue;
		if (!o->name[n]) {
			*ret = j;
			return 0;
		}
		ambiguous = first != NULL;
		if (!first) {
			first = o;
			first_j = j;
		}
	}
	if (!first || n <= 2)
		return no_such_option(p, text, n);
	if (ambiguous)
		return err_set(p->err, CCORE_EUSAGE, 0,
			       "%.*s is ambiguous: %s, or another that begins so", (int)n, text,
			       first->name);
	*ret = first_j;
	return 0;
}

static bool is_one_of(const char *value, const char *values)
{
	const uint64_t n = strlen(value);

	for (const char *v = values; v; v = strchr(v, '|') ? strchr(v, '|') + 1 : NULL)
		if (!strncmp(v, value, n) && (v[n] == '|' || !v[n]))
			return n > 0;
	return false;
}

static int check_value(struct parser *p, const struct param *o, const char *value)
{
	if (!*value)
		return err_set(p->err, CCORE_EUSAGE, 0, "%s needs a value: %s", o->name,
			       o->values ? o->values : o->metavar);
	if (o->values && !is_one_of(value, o->values))
		return err_set(p->err, CCORE_EUSAGE, 0, "%s %.100s: must be one of %s", o->name,
			       value, o->values);
	return 0;
}

static int set_limit(struct parser *p, const char *value)
{
	p->args.has_limit = true;
	if (!strcmp(value, "all")) {
		p->args.limit = UINT64_MAX;
		return 0;
	}
	if (!parse_addr(value, &p->args.limit))
		return err_set(p->err, CCORE_EUSAGE, 0, "-n %.100s: must be a number, or 'all'",
			       value);
	return 0;
}

static int set_common(struct parser *p, const char *name, const char *value)
{
	if (!strcmp(name, "-n"))
		return set_limit(p, value);
	if (!strcmp(name, "-o")) {
		p->args.output = value;
	} else if (!strcmp(name, "--bytes")) {
		p->args.exact_bytes = true;
	} else {
		// The rest are formats; the last one given counts.
		p->format_chosen = parse_format(name + 2, &p->args.format);
		assert(p->format_chosen);
	}
	return 0;
}

static int add_repeat(struct parser *p, uint64_t j, const struct param *o, const char *value)
{
	struct args *a = &p->args;

	if (a->repeat_n == ARGS_REPEATS_MAX)
		return err_set(p->err, CCORE_EUSAGE, 0, "%s is given too often: at most %d times",
			       o->name, ARGS_REPEATS_MAX);
	a->repeats[a->repeat_n].param = j;
	a->repeats[a->repeat_n++].value = value;
	return 0;
}

static int set_option(struct parser *p, uint64_t j, const char *value)
{
	const struct param *o = command_param(p->command, j);

	if (o->metavar)
		TRY(check_value(p, o, value));
	if (j >= own_param_n(p->command))
		return set_common(p, o->name, value);
	p->args.values[j] = value;
	if (o->metavar && strstr(o->metavar, "..."))
		TRY(add_repeat(p, j, o, value));
	if (!strcmp(o->name, "--format"))
		p->format_chosen = parse_format(value, &p->args.format);
	return 0;
}

// An option's value that is the next word.
static int next_value(struct parser *p, const struct param *o, const char **ret)
{
	if (p->next == p->argc)
		return check_value(p, o, "");
	*ret = p->argv[p->next++];
	return 0;
}

static int parse_long(struct parser *p, const char *word)
{
	const char *equals = strchr(word, '=');
	const char *value = equals ? equals + 1 : "";
	const struct param *o;
	uint64_t j = 0;

	TRY(find_long_option(p, word, equals ? (uint64_t)(equals - word) : strlen(word), &j));
	o = command_param(p->command, j);
	if (!o->metavar && equals)
		return err_set(p->err, CCORE_EUSAGE, 0, "%s takes no value", o->name);
	if (o->metavar && !equals)
		TRY(next_value(p, o, &value));
	return set_option(p, j, value);
}

static int parse_short(struct parser *p, const char *word)
{
	const struct param *o;
	const char *value = "";
	uint64_t j;

	for (j = 0; (o = command_param(p->command, j)); j++)
		if (!strncmp(o->name, word, 2) && !o->name[2])
			break;
	if (!o || (!o->metavar && word[2]))
		return no_such_option(p, word, strlen(word));
	if (o->metavar && word[2])
		value = word + 2;
	else if (o->metavar)
		TRY(next_value(p, o, &value));
	return set_option(p, j, value);
}

static int set_argument(struct parser *p, const char *word)
{
	if (!*p->command->argument)
		return err_set(p->err, CCORE_EUSAGE, 0, "%s takes no argument, but got '%.100s'",
			       p->command->name, word);
	if (p->args.argument)
		return err_set(p->err, CCORE_EUSAGE, 0, "%s takes one %s, but got '%.100s' too",
			       p->command->name, p->command->argument, word);
	p->args.argument = word;
	return 0;
}

static int parse_word(struct parser *p, const char *word)
{
	if (p->options_ended || word[0] != '-' || !word[1])
		return set_argument(p, word);
	if (word[1] != '-')
		return parse_short(p, word);
	if (word[2])
		return parse_long(p, word);
	p->options_ended = true;
	return 0;
}

// A command that draws takes its format from --format, from FILE's suffix, or its default.
static void choose_format(struct parser *p)
{
	const char *suffix = p->args.output ? strrchr(p->args.output, '.') : NULL;

	for (uint64_t j = 0; j < own_param_n(p->command); j++) {
		const struct param *o = &p->command->params[j];

		if (strcmp(o->name, "--format") != 0)
			continue;
		if (suffix && is_one_of(suffix + 1, o->values) &&
		    parse_format(suffix + 1, &p->args.format))
			p->args.values[j] = suffix + 1;
		else if (o->fallback)
			(void)parse_format(o->fallback, &p->args.format); // else it stays text
	}
}

int args_parse(const struct command *c, const char *const *argv, uint64_t argc, struct args *ret,
	       struct ccore_error *err)
{
	struct parser p = {
		.command = c,
		.argv = argv,
		.argc = argc,
		.next = 1,
		.args = {.command = c,
			 .limit = c->is_whole ? UINT64_MAX : LIMIT_DEFAULT,
			 .format = FORMAT_TEXT},
		.err = err,
	};

	while (p.next < p.argc)
		TRY(parse_word(&p, p.argv[p.next++]));
	if (*c->argument && *c->argument != '[' && !p.args.argument)
		return err_set(err, CCORE_EUSAGE, 0, "%s needs an argument: %s", c->name,
			       c->argument);
	if (!p.format_chosen)
		choose_format(&p);
	*ret = p.args;
	return 0;
}

static uint64_t param_index(const struct args *a, const char *name)
{
	uint64_t j = 0;

	while (j < own_param_n(a->command) && strcmp(a->command->params[j].name, name) != 0)
		j++;
	assert(j < own_param_n(a->command));
	return j;
}

const char *args_str(const struct args *a, const char *name)
{
	const uint64_t j = param_index(a, name);

	return a->values[j] ? a->values[j] : a->command->params[j].fallback;
}

bool args_flag(const struct args *a, const char *name)
{
	return a->values[param_index(a, name)];
}

const char *args_each(const struct args *a, const char *name, uint64_t i)
{
	const uint64_t j = param_index(a, name);

	for (uint64_t k = 0; k < a->repeat_n; k++)
		if (a->repeats[k].param == j && i-- == 0)
			return a->repeats[k].value;
	return NULL;
}

int args_u64(const struct args *a, const char *name, uint64_t *ret, struct ccore_error *err)
{
	const char *value = args_str(a, name);

	if (!value || !parse_addr(value, ret))
		return err_set(err, CCORE_EUSAGE, 0, "%s %.100s: must be a number", name,
			       value ? value : "");
	return 0;
}

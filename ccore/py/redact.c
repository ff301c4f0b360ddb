// SPDX-License-Identifier: GPL-2.0-or-later
#include "py/redact.h"

#include "py/families.h"
#include "util/siphash.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>

#define HASH_DIGITS 12

int redact_begin(struct py *py, struct ccore_error *err)
{
	if (getrandom(py->salt, sizeof(py->salt), 0) != (ssize_t)sizeof(py->salt))
		return err_set(err, CCORE_EIO, 0, "no random numbers for --redact: %s",
			       strerror(errno));
	py->redact = true;
	return 0;
}

void redact_value(const struct py *py, const char *type, uint64_t length, const void *data,
		  uint64_t n, struct strbuf *out)
{
	const uint64_t hash = siphash(py->salt, data, n) >> (64 - 4 * HASH_DIGITS);

	strbuf_printf(out, "<%s %" PRIu64 " #%0*" PRIx64 ">", type, length, HASH_DIGITS, hash);
}

void redact_text(const struct py *py, const char *what, const char *text, struct strbuf *out)
{
	redact_value(py, what, strlen(text), text, strlen(text), out);
}

// Characters of the str, unicode or bytes `o`.
static uint64_t characters(struct py_reader *r, const struct py_object *o)
{
	if (o->type->family == &family_str)
		return object_u64(r, o, F_STR_LENGTH);
	if (o->type->family == &family_unicode27)
		return object_u64(r, o, F_UNICODE27_LENGTH);
	return py_var_size(r, o);
}

bool redact_str(struct py_reader *r, addr_t addr, struct strbuf *out)
{
	struct strbuf text = {0};
	struct py_object o;
	bool cut = false;

	if (!py_object_open(r, addr, &o))
		return false;
	if (o.type->family == &family_bytes ? !bytes_append(r, &o, LIM_REDACTED, &text, &cut)
					    : !text_append(r, addr, LIM_REDACTED, &text, &cut)) {
		strbuf_done(&text);
		return false;
	}
	if (!text.failed)
		redact_value(r->py, o.type->name, characters(r, &o), text.data, text.n, out);
	strbuf_done(&text);
	return true;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Each format allows several streams one after the other, as parallel compressors write them.
#include "mem/decompress.h"

#include <lz4frame.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

// Of a decoder's own: a window that a stream may ask for at most.
#define DECODER_BYTES (1ull << 30)

// -- zstd

struct zstd_state {
	ZSTD_DStream *stream;
	bool at_end;
};

static void zstd_close(void *state)
{
	struct zstd_state *z = state;

	(void)ZSTD_freeDStream(z->stream); // cannot fail
	free(z);
}

static void *zstd_open(void)
{
	enum { WINDOW_LOG_MAX = 30 };
	struct zstd_state *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->stream = ZSTD_createDStream();
	if (z->stream &&
	    !ZSTD_isError(ZSTD_DCtx_setParameter(z->stream, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
		return z;
	zstd_close(z);
	return NULL;
}

static int64_t zstd_step(void *state, const uint8_t *in, uint64_t in_n, uint64_t *in_at,
			 uint8_t *out, uint64_t out_n)
{
	struct zstd_state *z = state;
	ZSTD_inBuffer from = {in, in_n, *in_at};
	ZSTD_outBuffer to = {out, out_n, 0};
	const size_t r = ZSTD_decompressStream(z->stream, &to, &from);

	if (from.pos > *in_at || to.pos) // asked once more at the end, it wants another stream
		z->at_end = r == 0;
	*in_at = from.pos;
	return ZSTD_isError(r) ? -1 : (int64_t)to.pos;
}

static bool zstd_is_at_end(const void *state)
{
	return ((const struct zstd_state *)state)->at_end;
}

// -- xz

struct xz_state {
	lzma_stream stream;
	bool at_end;
};

static void xz_close(void *state)
{
	lzma_end(&((struct xz_state *)state)->stream);
	free(state);
}

static void *xz_open(void)
{
	struct xz_state *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->stream = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&x->stream, DECODER_BYTES, LZMA_CONCATENATED) == LZMA_OK)
		return x;
	xz_close(x);
	return NULL;
}

static int64_t xz_step(void *state, const uint8_t *in, uint64_t in_n, uint64_t *in_at, uint8_t *out,
		       uint64_t out_n)
{
	struct xz_state *x = state;
	lzma_ret r;

	if (x->at_end)
		return 0;
	x->stream.next_in = in + *in_at;
	x->stream.avail_in = in_n - *in_at;
	x->stream.next_out = out;
	x->stream.avail_out = out_n;
	r = lzma_code(&x->stream, *in_at == in_n ? LZMA_FINISH : LZMA_RUN);
	*in_at = in_n - x->stream.avail_in;
	x->at_end = r == LZMA_STREAM_END;
	if (r != LZMA_OK && r != LZMA_STREAM_END && r != LZMA_BUF_ERROR)
		return -1;
	return (int64_t)(out_n - x->stream.avail_out);
}

static bool xz_is_at_end(const void *state)
{
	return ((const struct xz_state *)state)->at_end;
}

// -- gzip

struct gzip_state {
	z_stream stream;
	bool at_end;
};

static void gzip_close(void *state)
{
	(void)inflateEnd(&((struct gzip_state *)state)->stream); // what it says, nobody needs
	free(state);
}

static void *gzip_open(void)
{
	enum { GZIP_ONLY = 16 };
	struct gzip_state *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	if (inflateInit2(&g->stream, MAX_WBITS + GZIP_ONLY) == Z_OK)
		return g;
	free(g);
	return NULL;
}

// zlib counts in 32 bits.
static uInt at_most_u32(uint64_t n)
{
	return n > 1u << 30 ? 1u << 30 : (uInt)n;
}

static int64_t gzip_step(void *state, const uint8_t *in, uint64_t in_n, uint64_t *in_at,
			 uint8_t *out, uint64_t out_n)
{
	struct gzip_state *g = state;
	const uInt in_given = at_most_u32(in_n - *in_at), out_given = at_most_u32(out_n);
	int r;

	if (g->at_end && in_given && inflateReset(&g->stream) != Z_OK)
		return -1;
	g->stream.next_in = (Bytef *)(in + *in_at); // it does not write there
	g->stream.avail_in = in_given;
	g->stream.next_out = out;
	g->stream.avail_out = out_given;
	r = inflate(&g->stream, Z_NO_FLUSH);
	*in_at += in_given - g->stream.avail_in;
	if (in_given)
		g->at_end = r == Z_STREAM_END;
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return -1;
	return (int64_t)(out_given - g->stream.avail_out);
}

static bool gzip_is_at_end(const void *state)
{
	return ((const struct gzip_state *)state)->at_end;
}

// -- lz4

struct lz4_state {
	LZ4F_dctx *stream;
	bool at_end;
};

static void lz4_close(void *state)
{
	(void)LZ4F_freeDecompressionContext(((struct lz4_state *)state)->stream); // cannot fail
	free(state);
}

static void *lz4_open(void)
{
	struct lz4_state *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	if (!LZ4F_isError(LZ4F_createDecompressionContext(&l->stream, LZ4F_VERSION)))
		return l;
	free(l);
	return NULL;
}

static int64_t lz4_step(void *state, const uint8_t *in, uint64_t in_n, uint64_t *in_at,
			uint8_t *out, uint64_t out_n)
{
	struct lz4_state *l = state;
	size_t taken = in_n - *in_at, given = out_n;
	const size_t r = LZ4F_decompress(l->stream, out, &given, in + *in_at, &taken, NULL);

	if (taken || given)
		l->at_end = r == 0;
	*in_at += taken;
	return LZ4F_isError(r) ? -1 : (int64_t)given;
}

static bool lz4_is_at_end(const void *state)
{
	return ((const struct lz4_state *)state)->at_end;
}

static const struct compression formats[] = {
	{"zstd", "\x28\xb5\x2f\xfd", 4, zstd_open, zstd_step, zstd_is_at_end, zstd_close},
	{"xz", "\xfd\x37zXZ", 5, xz_open, xz_step, xz_is_at_end, xz_close},
	{"gzip", "\x1f\x8b", 2, gzip_open, gzip_step, gzip_is_at_end, gzip_close},
	{"lz4", "\x04\x22\x4d\x18", 4, lz4_open, lz4_step, lz4_is_at_end, lz4_close},
};

const struct compression *compression_of(const uint8_t *data, uint64_t size)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (size >= formats[i].magic_n &&
		    memcmp(data, formats[i].magic, formats[i].magic_n) == 0)
			return &formats[i];
	return NULL;
}

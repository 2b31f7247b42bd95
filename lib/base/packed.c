#include "base/packed.h"

#include <lz4.h>
#include <stdlib.h>
#include <string.h>

/* Loading the dictionary is done for each text, so it is not large. */
enum { DICTIONARY_MIN = 512, DICTIONARY_MAX = 8192 };

struct json_packer {
	LZ4_stream_t *stream;
	char *dictionary; /* NULL: nothing was large enough yet, and nothing is compressed */
	int dictionary_len;
	struct json_buffer out;
};

static void *memory_or_abort(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

struct json_packer *json_packer_new(void)
{
	struct json_packer *packer = memory_or_abort(calloc(1, sizeof *packer));
	packer->stream = memory_or_abort(LZ4_createStream());
	return packer;
}

void json_packer_free(struct json_packer *packer)
{
	if (packer == NULL)
		return;
	LZ4_freeStream(packer->stream);
	free(packer->dictionary);
	json_buffer_free(&packer->out);
	free(packer);
}

static void choose_dictionary(struct json_packer *packer, struct json_text text)
{
	if (packer->dictionary != NULL || text.len < DICTIONARY_MIN)
		return;
	size_t len = text.len < DICTIONARY_MAX ? text.len : DICTIONARY_MAX;
	packer->dictionary = memory_or_abort(malloc(len));
	memcpy(packer->dictionary, text.at, len);
	packer->dictionary_len = (int)len;
}

/* The text compressed, or as it is when that is not shorter. */
static struct json_text compress(struct json_packer *packer, struct json_text text)
{
	int len = (int)text.len;
	if (packer->dictionary == NULL)
		return text;
	packer->out.len = 0;
	json_buffer_reserve(&packer->out, (size_t)LZ4_compressBound(len));
	LZ4_loadDict(packer->stream, packer->dictionary, packer->dictionary_len);
	int made = LZ4_compress_fast_continue(packer->stream, text.at, packer->out.at, len,
	                                      (int)packer->out.size, 1);
	if (made <= 0 || made >= len)
		return text;
	return (struct json_text){packer->out.at, (size_t)made};
}

bool json_pack(struct json_packer *packer, struct json_packed *packed, struct json_text text)
{
	choose_dictionary(packer, text);
	struct json_text bytes = compress(packer, text);
	bool same_size = packed->at != NULL && packed->held == bytes.len;
	if (same_size && packed->len == text.len && (bytes.len == 0 || memcmp(packed->at, bytes.at, bytes.len) == 0))
		return false;
	if (!same_size) {
		free(packed->at);
		packed->at = memory_or_abort(malloc(bytes.len + 1));
	}
	if (bytes.len > 0)
		memcpy(packed->at, bytes.at, bytes.len);
	packed->held = (uint32_t)bytes.len;
	packed->len = (uint32_t)text.len;
	return true;
}

void json_packed_free(struct json_packed *packed)
{
	free(packed->at);
	*packed = (struct json_packed){0};
}

struct json_text json_unpack(const struct json_packer *packer, const struct json_packed *packed,
                             struct json_buffer *into)
{
	if (packed->at == NULL)
		return (struct json_text){0};
	if (packed->held == packed->len)
		return (struct json_text){packed->at, packed->len};
	into->len = 0;
	json_buffer_reserve(into, packed->len);
	int made = LZ4_decompress_safe_usingDict(packed->at, into->at, (int)packed->held, (int)packed->len,
	                                         packer->dictionary, packer->dictionary_len);
	if (made != (int)packed->len)
		abort();
	into->len = packed->len;
	return json_buffer_text(into);
}

/*
 * assets - the assembler takes the files in as they are (the Makefile knows
 * that this object depends on them). Paths are those of the tree's top.
 */

#include "ops/assets.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"

/* clang-format off */
#define EMBED(name, file)                                            \
	__asm__(".pushsection .rodata\n" #name "_begin:\n"           \
		".incbin \"lib/ops/assets/" file "\"\n" #name "_end:\n" \
		".byte 0\n.popsection\n");                           \
	extern const char name##_begin[], name##_end[]

EMBED(asset_css, "dash.css");
EMBED(asset_js, "dash.js");
EMBED(asset_svg, "dash.svg");

static const struct {
	const char *path, *type;
	const char *begin, *end;
} assets[] = {
	{ "/dash.css", "text/css; charset=utf-8",        asset_css_begin, asset_css_end },
	{ "/dash.js",  "text/javascript; charset=utf-8", asset_js_begin,  asset_js_end },
	{ "/dash.svg", "image/svg+xml",                  asset_svg_begin, asset_svg_end },
};
/* clang-format on */

bool
am_asset_find(struct am_str path, struct am_asset *asset)
{
	for (size_t i = 0; i < AM_COUNT(assets); i++) {
		if (!am_str_is(path, assets[i].path))
			continue;
		asset->path = am_str_c(assets[i].path);
		asset->type = assets[i].type;
		asset->bytes.p = assets[i].begin;
		asset->bytes.n = (size_t)(assets[i].end - assets[i].begin);
		return true;
	}
	return false;
}

void
am_asset_etag(const struct am_asset *asset, char out[40])
{
	static const char hex[] = "0123456789abcdef";
	struct am_sha256 s;
	uint8_t sum[32];
	char *p = out;

	am_sha256_init(&s);
	am_sha256_add(&s, asset->bytes.p, asset->bytes.n);
	am_sha256_end(&s, sum);
	*p++ = '"';
	for (size_t i = 0; i < 16; i++) {
		*p++ = hex[sum[i] >> 4];
		*p++ = hex[sum[i] & 15];
	}
	*p++ = '"';
	*p = '\0';
}

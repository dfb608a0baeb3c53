#pragma once

/*
 * speak - the languages of the pages, and closed words in them (layer: ops).
 *
 * Records, journals and samples hold English words of closed lists (a role, a
 * reason, an outcome, a well-known stage). Pages show them in the reader's
 * language; what is in no list is a name of the configuration and stays.
 */

#include <amends/base.h>

enum am_lang {
	AM_LANG_EN,
	AM_LANG_ZH,
	AM_LANGS_N,
};

/* "en", "zh-CN": for <html lang>. */
const char *am_lang_tag(enum am_lang lang);
/*
 * What `lang=` of the query asks for, else what Accept-Language likes best of
 * what there is, else English.
 */
enum am_lang am_lang_choose(struct am_str query, struct am_str accept);

/* The word as the language has it; itself when it is in no list. English words
 * lose their underscores: "waiting customer". */
struct am_str am_speak(enum am_lang lang, struct am_str word, char out[64]);

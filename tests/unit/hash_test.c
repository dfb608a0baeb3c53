/* hash - SHA-256 against FIPS 180-4 and OpenSSL, SipHash against its paper. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/hash.h"
#include "base/str.h"

#include "rnd.h"

static void
sha256_of(const void *p, size_t n, uint8_t out[32])
{
	struct am_sha256 s;

	am_sha256_init(&s);
	am_sha256_add(&s, p, n);
	am_sha256_end(&s, out);
}

static void
test_sha256_when_given_the_vectors_of_fips_then_agrees(void **state)
{
	static const struct {
		struct am_str in, hex;
	} cases[] = {
		{ AM_STR(""), AM_STR("e3b0c44298fc1c149afbf4c8996fb924"
				     "27ae41e4649b934ca495991b7852b855") },
		{ AM_STR("abc"), AM_STR("ba7816bf8f01cfea414140de5dae2223"
					"b00361a396177a9cb410ff61f20015ad") },
		{ AM_STR("abcdbcdecdefdefgefghfghighijhijk"
			 "ijkljklmklmnlmnomnopnopq"),
		    AM_STR("248d6a61d20638b8e5c026930c3e6039"
			   "a33ce45964ff2167f6ecedd419db06c1") },
	};
	uint8_t want[32], got[32];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		assert_int_equal(am_hex_parse(cases[i].hex, want, 32), 0);
		sha256_of(cases[i].in.p, cases[i].in.n, got);
		assert_memory_equal(got, want, 32);
	}
}

/* Every length around the blocks, in pieces of every kind. */
static void
test_sha256_when_fed_in_pieces_then_agrees_with_openssl(void **state)
{
	uint8_t data[700], got[32], want[32];

	(void)state;
	rnd_seed(__func__);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rnd64();
	for (size_t n = 0; n <= sizeof(data); n++) {
		struct am_sha256 s;
		size_t at = 0;

		am_sha256_init(&s);
		while (at < n) {
			size_t piece = rnd(150);

			if (piece > n - at)
				piece = n - at;
			am_sha256_add(&s, data + at, piece);
			at += piece;
		}
		am_sha256_end(&s, got);
		assert_int_equal(
		    EVP_Digest(data, n, want, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(got, want, 32);
	}
}

static void
test_sha256_when_lengths_are_prefixed_then_borders_count(void **state)
{
	static const uint8_t bytes[] = "\0\0\0\0\0\0\0\2ab"
				       "\0\0\0\0\0\0\0\1c";
	struct am_sha256 s;
	uint8_t got[32], want[32];

	(void)state;
	am_sha256_init(&s);
	am_sha256_addl(&s, AM_STR("ab"));
	am_sha256_addl(&s, AM_STR("c"));
	am_sha256_end(&s, got);
	sha256_of(bytes, sizeof(bytes) - 1, want);
	assert_memory_equal(got, want, 32);
}

/* RFC 4231, cases 1, 2 and 6: short keys and one longer than a block. */
static void
test_hmac_when_given_the_vectors_of_the_rfc_then_agrees(void **state)
{
	static const uint8_t b20[20] = { [0 ... 19] = 0x0b };
	static const uint8_t aa131[131] = { [0 ... 130] = 0xaa };
	const struct {
		struct am_str key, text, hex;
	} cases[] = {
		{ { (const char *)b20, 20 }, AM_STR("Hi There"),
		    AM_STR("b0344c61d8db38535ca8afceaf0bf12b"
			   "881dc200c9833da726e9376c2e32cff7") },
		{ AM_STR("Jefe"), AM_STR("what do ya want for nothing?"),
		    AM_STR("5bdcc146bf60754e6a042426089575c7"
			   "5a003f089d2739839dec58b964ec3843") },
		{ { (const char *)aa131, 131 },
		    AM_STR("Test Using Larger Than Block-Size Key - Hash Key "
			   "First"),
		    AM_STR("60e431591ee0b67f0d8a26aacbf5b77f"
			   "8e0bc6213728c5140546040f0ee37f54") },
	};
	uint8_t want[32], got[32];

	(void)state;
	for (size_t i = 0; i < AM_COUNT(cases); i++) {
		assert_int_equal(am_hex_parse(cases[i].hex, want, 32), 0);
		am_hmac_sha256(cases[i].key, &cases[i].text, 1, got);
		assert_memory_equal(got, want, 32);
	}
}

static void
test_hmac_when_fed_in_parts_then_agrees_with_openssl(void **state)
{
	char data[300];

	(void)state;
	rnd_seed(__func__);
	for (int round = 0; round < 300; round++) {
		size_t key = rnd(150), n = rnd(150), cut;
		uint8_t want[32], got[32];
		struct am_str parts[2];

		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (char)rnd(256);
		cut = rnd(n + 1);
		parts[0] = (struct am_str){ data + 150, cut };
		parts[1] = (struct am_str){ data + 150 + cut, n - cut };
		am_hmac_sha256((struct am_str){ data, key }, parts, 2, got);
		assert_non_null(HMAC(EVP_sha256(), data, (int)key,
		    (const uint8_t *)data + 150, n, want, NULL));
		assert_memory_equal(got, want, 32);
	}
}

static void
test_siphash_when_given_the_papers_vectors_then_agrees(void **state)
{
	/* of the reference implementation: lengths 0, 1, 8 and 15 */
	static const struct {
		size_t n;
		uint64_t hash;
	} cases[] = { { 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },
		{ 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 } };
	uint8_t key[16], in[16];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		key[i] = in[i] = i;
	for (size_t i = 0; i < AM_COUNT(cases); i++)
		assert_true(am_siphash(key, in, cases[i].n) == cases[i].hash);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_sha256_when_given_the_vectors_of_fips_then_agrees),
		cmocka_unit_test(
		    test_sha256_when_fed_in_pieces_then_agrees_with_openssl),
		cmocka_unit_test(
		    test_sha256_when_lengths_are_prefixed_then_borders_count),
		cmocka_unit_test(
		    test_hmac_when_given_the_vectors_of_the_rfc_then_agrees),
		cmocka_unit_test(
		    test_hmac_when_fed_in_parts_then_agrees_with_openssl),
		cmocka_unit_test(
		    test_siphash_when_given_the_papers_vectors_then_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * hash - SHA-256, HMAC and SipHash-2-4.
 *
 * Our own, because the core may link nothing but base; every event hashes its
 * journal line, so the SHA instructions are used where the CPU has them (about
 * five times the portable rate). The choice is libgcc's cached cpuid word: no
 * state of our own, one load per call.
 */

#include "base/hash.h"

#include <string.h>

/* clang 14 does not know "sha" in __builtin_cpu_supports() */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&         \
    !defined(AM_SHA256_PORTABLE)
#include <immintrin.h>
#define HAVE_NI 1
#endif

static const uint32_t K[64] __attribute__((aligned(16))) = { 0x428a2f98,
	0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74,
	0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6,
	0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152,
	0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351,
	0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354,
	0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70,
	0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
	0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
	0xa4506ceb, 0xbef9a3f7, 0xc67178f2 };

static inline uint32_t
ror(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static inline uint32_t
be32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	v = __builtin_bswap32(v);
#endif
	return v;
}

static inline void
put_be64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static void
blocks_portable(uint32_t st[8], const uint8_t *p, size_t n)
{
	for (; n > 0; n--, p += 64) {
		uint32_t a = st[0], b = st[1], c = st[2], d = st[3];
		uint32_t e = st[4], f = st[5], g = st[6], h = st[7];
		uint32_t w[64];

		for (int i = 0; i < 16; i++)
			w[i] = be32(p + 4 * i);
		for (int i = 16; i < 64; i++) {
			uint32_t x = w[i - 15], y = w[i - 2];

			w[i] = w[i - 16] + w[i - 7] +
			       (ror(x, 7) ^ ror(x, 18) ^ x >> 3) +
			       (ror(y, 17) ^ ror(y, 19) ^ y >> 10);
		}
#pragma GCC unroll 8
		for (int i = 0; i < 64; i++) {
			uint32_t t = h + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) +
				     (g ^ (e & (f ^ g))) + K[i] + w[i];
			uint32_t u = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) +
				     ((a & b) | (c & (a | b)));

			h = g, g = f, f = e, e = d + t;
			d = c, c = b, b = a, a = t + u;
		}
		st[0] += a, st[1] += b, st[2] += c, st[3] += d;
		st[4] += e, st[5] += f, st[6] += g, st[7] += h;
	}
}

#ifdef HAVE_NI
/* Sixteen groups of four rounds; m[] holds the last sixteen words. */
__attribute__((target("sha,sse4.1"))) static void
blocks_ni(uint32_t h[8], const uint8_t *p, size_t n)
{
	const __m128i swap =
	    _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	const __m128i *k = (const __m128i *)K;
	__m128i t = _mm_loadu_si128((const __m128i *)h);
	__m128i u = _mm_loadu_si128((const __m128i *)(h + 4));
	__m128i abef, cdgh;

	t = _mm_shuffle_epi32(t, 0xb1);	    /* CDAB */
	u = _mm_shuffle_epi32(u, 0x1b);	    /* EFGH */
	abef = _mm_alignr_epi8(t, u, 8);    /* ABEF */
	cdgh = _mm_blend_epi16(u, t, 0xf0); /* CDGH */
	for (; n > 0; n--, p += 64) {
		const __m128i abef0 = abef, cdgh0 = cdgh;
		__m128i m[4];

		for (int i = 0; i < 4; i++)
			m[i] = _mm_shuffle_epi8(
			    _mm_loadu_si128((const __m128i *)p + i), swap);
#pragma GCC unroll 16
		for (int i = 0; i < 16; i++) {
			__m128i w = m[i & 3];
			__m128i kw = _mm_add_epi32(w, _mm_load_si128(k + i));

			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, kw);
			abef = _mm_sha256rnds2_epu32(
			    abef, cdgh, _mm_shuffle_epi32(kw, 0x0e));
			if (i >= 12)
				continue;
			/* the word group that comes four groups later */
			w = _mm_sha256msg1_epu32(w, m[(i + 1) & 3]);
			w = _mm_add_epi32(w,
			    _mm_alignr_epi8(m[(i + 3) & 3], m[(i + 2) & 3], 4));
			m[i & 3] = _mm_sha256msg2_epu32(w, m[(i + 3) & 3]);
		}
		abef = _mm_add_epi32(abef, abef0);
		cdgh = _mm_add_epi32(cdgh, cdgh0);
	}
	t = _mm_shuffle_epi32(abef, 0x1b); /* FEBA */
	u = _mm_shuffle_epi32(cdgh, 0xb1); /* DCHG */
	_mm_storeu_si128((__m128i *)h, _mm_blend_epi16(t, u, 0xf0));
	_mm_storeu_si128((__m128i *)(h + 4), _mm_alignr_epi8(u, t, 8));
}
#endif

static void
blocks(uint32_t h[8], const uint8_t *p, size_t n)
{
#ifdef HAVE_NI
	if (__builtin_cpu_supports("sha") && __builtin_cpu_supports("sse4.1")) {
		blocks_ni(h, p, n);
		return;
	}
#endif
	blocks_portable(h, p, n);
}

void
am_sha256_init(struct am_sha256 *s)
{
	static const uint32_t h0[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372,
		0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

	memcpy(s->h, h0, sizeof(h0));
	s->bytes = 0;
}

void
am_sha256_add(struct am_sha256 *s, const void *p, size_t n)
{
	size_t have = s->bytes % 64;
	const uint8_t *u = p;

	if (n == 0)
		return;
	s->bytes += n;
	if (have > 0) {
		size_t take = 64 - have < n ? 64 - have : n;

		memcpy(s->block + have, u, take);
		if (have + take < 64)
			return;
		blocks(s->h, s->block, 1);
		u += take;
		n -= take;
	}
	if (n >= 64)
		blocks(s->h, u, n / 64);
	memcpy(s->block, u + n / 64 * 64, n % 64);
}

void
am_sha256_addl(struct am_sha256 *s, struct am_str v)
{
	uint8_t len[8];

	put_be64(len, v.n);
	am_sha256_add(s, len, sizeof(len));
	am_sha256_add(s, v.p, v.n);
}

void
am_sha256_end(struct am_sha256 *s, uint8_t out[32])
{
	size_t have = s->bytes % 64;
	uint8_t tail[128] = { 0 };
	size_t n = have < 56 ? 64 : 128;

	memcpy(tail, s->block, have);
	tail[have] = 0x80;
	put_be64(tail + n - 8, s->bytes * 8);
	blocks(s->h, tail, n / 64);
	for (int i = 0; i < 8; i++) {
		uint32_t v = s->h[i];

		out[4 * i] = (uint8_t)(v >> 24);
		out[4 * i + 1] = (uint8_t)(v >> 16);
		out[4 * i + 2] = (uint8_t)(v >> 8);
		out[4 * i + 3] = (uint8_t)v;
	}
}

void
am_hmac_sha256(
    struct am_str key, const struct am_str *parts, size_t n, uint8_t out[32])
{
	uint8_t block[64] = { 0 }, pad[64];
	struct am_sha256 s;

	am_sha256_init(&s);
	if (key.n > sizeof(block)) {
		am_sha256_add(&s, key.p, key.n);
		am_sha256_end(&s, block);
		am_sha256_init(&s);
	} else if (key.n > 0) {
		memcpy(block, key.p, key.n);
	}
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = block[i] ^ 0x36;
	am_sha256_add(&s, pad, sizeof(pad));
	for (size_t i = 0; i < n; i++)
		am_sha256_add(&s, parts[i].p, parts[i].n);
	am_sha256_end(&s, out);
	for (size_t i = 0; i < sizeof(pad); i++)
		pad[i] = block[i] ^ 0x5c;
	am_sha256_init(&s);
	am_sha256_add(&s, pad, sizeof(pad));
	am_sha256_add(&s, out, 32);
	am_sha256_end(&s, out);
}

static inline uint64_t
le64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	return v;
}

static inline uint64_t
rol64(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rol64(v[1], 13) ^ v[0];
	v[0] = rol64(v[0], 32);
	v[2] += v[3];
	v[3] = rol64(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rol64(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rol64(v[1], 17) ^ v[2];
	v[2] = rol64(v[2], 32);
}

static inline void
sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

uint64_t
am_siphash(const uint8_t key[16], const void *p, size_t n)
{
	uint64_t k0 = le64(key), k1 = le64(key + 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573 };
	uint64_t last = (uint64_t)n << 56;
	const uint8_t *u = p;

	for (size_t i = n / 8; i > 0; i--, u += 8)
		sip_word(v, le64(u));
	for (size_t i = 0; i < n % 8; i++)
		last |= (uint64_t)u[i] << (8 * i);
	sip_word(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

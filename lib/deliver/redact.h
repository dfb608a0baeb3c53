#pragma once

/*
 * redact - what a receiver answered, fit to be kept (layer: deliver).
 *
 * An error page may say back to us the number that we wrote to, the address,
 * or the key that we came with. What is kept is for an operator to see what is
 * wrong, and needs none of them.
 */

#include "base/buf.h"

/*
 * Append at most max bytes of text, as one line of UTF-8. Numbers of seven
 * digits and more, with whatever groups them, become "[number]", mail
 * addresses "[address]"; the secrets, what stands behind Bearer and Basic, and
 * the values of what is named like a secret "[secret]". What was cut off in
 * the middle is left out whole.
 */
void am_redact(struct am_buf *out, struct am_str text, size_t max,
    const struct am_str *secrets, size_t secrets_n);

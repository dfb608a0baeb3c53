#pragma once

/*
 * stride - who is next where several share what there is (layer: core), pure.
 *
 * Classes of follow-ups share an endpoint by weight, 6:4:3:2. While the same
 * classes have something waiting, each gets its weight's part of what is handed
 * out, within one; so the highest never waits behind a backlog of the lowest,
 * and the lowest always moves. What a class leaves goes to the others, and time
 * in which it had nothing is not saved up for later. Zeroed memory is a fresh
 * one.
 */

#include <amends/complaint.h>

struct am_stride {
	uint64_t pass[AM_FU_CLASSES]; /* where each stands in its share */
	uint64_t now;		      /* where the last one served stood */
};

/*
 * Hand out up to `room`; take[i] of want[i] go to class i. What is left over
 * is left because nobody wants more. want and take may not overlap.
 */
void am_stride_share(struct am_stride *s, const unsigned want[AM_FU_CLASSES],
    unsigned room, unsigned take[AM_FU_CLASSES]);

/* pages_metrics - the metrics by HTTP, for Prometheus to scrape. */

#include "daemon/pages_metrics.h"

#include "daemon/sample.h"
#include "daemon/watch.h"

struct scrape {
	struct am_engine *engine;
	struct am_http_request *req;
};

static void
on_sample(void *arg, struct am_sample *s)
{
	struct scrape *scrape = arg;
	struct am_buf b;

	am_buf_arena(&b, &scrape->req->arena, 1 << 16);
	am_watch_write(scrape->engine, s, &b);
	am_http_answer(
	    scrape->req, &(struct am_http_answer){ .status = 200,
			     .type = AM_EXPO_TYPE,
			     .body = am_buf_str(&b),
			     .headers = "Cache-Control: no-store\r\n" });
}

void
am_metrics_on_request(void *arg, struct am_http_request *req)
{
	struct scrape *scrape = am_arena_zalloc(&req->arena, sizeof(*scrape));

	scrape->engine = arg;
	scrape->req = req;
	am_sample_get(scrape->engine, AM_SECOND, on_sample, scrape);
}

/*
 * adapter - see adapter.h.
 *
 * The adapter that comes with hiredis re-arms two one-shot events for every
 * command and so costs two epoll_ctl(2) a batch. Nothing here touches the
 * context after a handler of hiredis has returned: the handler may have freed
 * it, and then the clean-up has cleared a->ac.
 */
#include "store/adapter.h"

#include <event2/event.h>

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct am_adapter *a = arg;

	(void)fd;
	(void)what;
	if (a->ac != NULL)
		redisAsyncHandleRead(a->ac);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct am_adapter *a = arg;

	(void)fd;
	(void)what;
	if (a->ac == NULL)
		return;
	a->flushing = true;
	redisAsyncHandleWrite(a->ac);
	a->flushing = false;
}

static void
add_read(void *arg)
{
	struct am_adapter *a = arg;

	event_add(a->readable, NULL);
}

static void
del_read(void *arg)
{
	struct am_adapter *a = arg;

	event_del(a->readable);
}

/*
 * Called for every command, and by the write handler when the socket is full.
 * While connecting, writability is how the end of connect(2) shows.
 */
static void
add_write(void *arg)
{
	struct am_adapter *a = arg;

	if (a->flushing || (a->ac->c.flags & REDIS_CONNECTED) == 0)
		event_add(a->writable, NULL);
	else
		event_active(a->flush, EV_WRITE, 0);
}

static void
del_write(void *arg)
{
	struct am_adapter *a = arg;

	event_del(a->writable);
}

static void
clean_up(void *arg)
{
	struct am_adapter *a = arg;

	if (a->ac == NULL)
		return;
	a->ac = NULL;
	event_free(a->readable);
	event_free(a->writable);
	event_free(a->flush);
}

void
am_adapter_attach(
    struct am_adapter *a, struct event_base *base, redisAsyncContext *ac)
{
	AM_ASSERT(a->ac == NULL);
	a->ac = ac;
	a->flushing = false;
	a->readable =
	    event_new(base, ac->c.fd, EV_READ | EV_PERSIST, on_readable, a);
	a->writable =
	    event_new(base, ac->c.fd, EV_WRITE | EV_PERSIST, on_writable, a);
	a->flush = event_new(base, -1, 0, on_writable, a);
	AM_ASSERT(
	    a->readable != NULL && a->writable != NULL && a->flush != NULL);
	/* Redis first: while it works on what it is sent, there is time for all
	 * else. A base without priorities has only this one. */
	event_priority_set(a->readable, 0);
	event_priority_set(a->writable, 0);
	event_priority_set(a->flush, 0);
	ac->ev.addRead = add_read;
	ac->ev.delRead = del_read;
	ac->ev.addWrite = add_write;
	ac->ev.delWrite = del_write;
	ac->ev.cleanup = clean_up;
	ac->ev.data = a;
}

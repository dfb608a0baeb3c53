/*
 * options - the table of every key.
 *
 * One table for all sections, rather than one a section: it can be read from
 * top to bottom as the reference, and a tool needs no list of tables. Columns
 * that a kind does not use are left out.
 */

#include "options.h"

#include <string.h>

#define LIST .list = true
#define DEF(d) .def = (d)
#define OF(o) .of = (o)
#define FROM(lo, hi) .min = (lo), .max = (hi)
#define YEARS(n) ((n)*366 * AM_DAY)

/* clang-format off */
static const struct am_option table[] = {
/* section      key                   kind         default, bounds        about */
{ "",          "instance",           AM_OPT_NAME, .about = "name of this daemon; default: the host name" },
{ "",          "data_dir",           AM_OPT_TEXT, .about = "instance lock and what Redis may forget; default: $STATE_DIRECTORY, else /var/lib/amends" },
{ "",          "log_level",          AM_OPT_CHOICE, DEF("info"), OF("error|warn|notice|info|debug"), .about = "least weighty lines that are logged" },
{ "",          "max_skew",           AM_OPT_SPAN, DEF("5s"), FROM(100, AM_HOUR), .about = "Redis and local clock may differ by this much" },
{ "",          "trust_event_time",   AM_OPT_BOOL, DEF("false"), .about = "occurred_at rules the clocks, not the time of the stream entry" },
{ "",          "catchup_after",      AM_OPT_SPAN, DEF("1m"), FROM(0, AM_DAY), .about = "a rung that fires later than this is catch-up; 0: none is" },
{ "",          "catchup_rate",       AM_OPT_RATE, DEF("50/1s"), .about = "what is catch-up goes out no faster" },
{ "",          "redis",              AM_OPT_SECTION, .about = "where everything is kept" },
{ "",          "status",             AM_OPT_SECTION, .about = "the operators' socket" },
{ "",          "http",               AM_OPT_SECTION, .about = "what comes in by HTTP; absent: no HTTP at all" },
{ "",          "producer",           AM_OPT_TITLED, .about = "the same as a producer in http, for a file of its own" },
{ "",          "calendar",           AM_OPT_TITLED, .about = "working time" },
{ "",          "quiet",              AM_OPT_TITLED, .about = "hours in which a person is left alone" },
{ "",          "person",             AM_OPT_TITLED, .about = "a member of staff" },
{ "",          "role",               AM_OPT_TITLED, .about = "who stands for a role: agent, supervisor, manager, team" },
{ "",          "endpoint",           AM_OPT_TITLED, .about = "where follow-ups go" },
{ "",          "provider",           AM_OPT_TITLED, .about = "a gateway: what it is asked, what its answers mean, what it tells later" },
{ "",          "providers",          AM_OPT_TEXT, LIST, DEF("conf/providers, /etc/amends/providers, /usr/share/amends/providers, /usr/local/share/amends/providers"), .about = "folders in which NAME.conf of a provider is looked for that no block here gives, in this order; before them in the folder providers beside this file" },
{ "",          "alert",              AM_OPT_NAME, LIST, .about = "endpoints of type webhook that are told of what an operator should know: an endpoint disabled or enabled, a follow-up dead or recovered, a shard halted or held" },
{ "",          "replies",            AM_OPT_SECTION, .about = "how what customers write back is read" },
{ "",          "message",            AM_OPT_TITLED, .about = "a text with {fields}" },
{ "",          "loop",               AM_OPT_TITLED, .about = "a follow-up loop" },
{ "",          "route",              AM_OPT_TITLED, .about = "which loop an opening gets that names none; the first that fits" },
{ "",          "recourse",           AM_OPT_SECTION, .about = "where a customer may turn next" },
{ "",          "link",               AM_OPT_SECTION, .about = "a page for the customer, {link} in texts; absent: there is none" },
{ "",          "audit",              AM_OPT_SECTION, .about = "what the daemon checks of itself" },
{ "",          "report",             AM_OPT_TITLED, .about = "the figures of a day, week or month, sent by itself" },

{ "redis",     "url",                AM_OPT_TEXT, DEF("redis://127.0.0.1:6379/0"), .about = "unix:///PATH or redis://[user@]host[:port][/db]" },
{ "redis",     "password",           AM_OPT_SECRET, .about = "secret reference" },
{ "redis",     "streams",            AM_OPT_NAME, LIST, DEF("complaints"), .about = "intake streams; one stream is one shard" },
{ "redis",     "group",              AM_OPT_NAME, DEF("amends"), .about = "consumer group that shows the lag to Redis tools" },
{ "redis",     "owner_ttl",          AM_OPT_SPAN, DEF("10s"), FROM(200, AM_HOUR), .about = "a dead owner is replaced after this long" },
{ "redis",     "batch",              AM_OPT_COUNT, DEF("128"), FROM(1, 1024), .about = "events per commit, at most" },
{ "redis",     "retain",             AM_OPT_SPAN, DEF("90d"), FROM(AM_SECOND, YEARS(50)), .about = "closed complaints and rejected events are kept this long" },
{ "redis",     "keep_events",        AM_OPT_SPAN, DEF("1h"), FROM(0, YEARS(50)), .about = "applied stream entries are kept this long, and some minutes more" },
{ "redis",     "command_timeout",    AM_OPT_SPAN, DEF("5s"), FROM(50, AM_HOUR), .about = "an answer of Redis is waited for this long" },
{ "redis",     "require_durability", AM_OPT_CHOICE, DEF("D0"), OF("D0|D1|D2|D3"), .about = "events that come by HTTP are refused while Redis keeps them less well: D0 no append-only file, D1 everysec, D2 always, D3 always and on replicas" },
{ "redis",     "wait_replicas",      AM_OPT_COUNT, DEF("1"), FROM(1, 16), .about = "of D3: so many replicas have an event before it is answered" },

{ "status",    "socket",             AM_OPT_TEXT, DEF("/run/amends/status.sock"), .about = "path of the socket; where systemd(1) sets $RUNTIME_DIRECTORY the default is status.sock in that" },
{ "status",    "mode",               AM_OPT_MODE, DEF("0660"), .about = "its permission bits; its group is the first of view" },
{ "status",    "view",               AM_OPT_NAME, LIST, DEF("adm"), .about = "groups that may look" },
{ "status",    "operate",            AM_OPT_NAME, LIST, DEF("root"), .about = "users or groups that may change something" },

{ "http",      "listen",             AM_OPT_LISTEN, .about = "address and port, or unix:///PATH (mode 0660)" },
{ "http",      "view",               AM_OPT_LISTEN, .about = "address and port of the operators' pages, which listen then has no more: /, /metrics, /healthz, /readyz; default: they are at listen" },
{ "http",      "max_body",           AM_OPT_BYTES, DEF("256KiB"), FROM(1024, 9 << 20), .about = "larger requests are refused" },
{ "http",      "connections",        AM_OPT_COUNT, DEF("512"), FROM(16, 65536), .about = "clients at once, at each of the two addresses" },
{ "http",      "producer",           AM_OPT_TITLED, .about = "who may POST /v1/events" },
{ "producer",  "scheme",             AM_OPT_CHOICE, OF("standard-webhooks|bearer|basic|github|stripe|hmac"), .about = "how it proves itself; default: standard-webhooks when there is a secret, with a token beside it either is taken, else bearer" },
{ "producer",  "secret",             AM_OPT_SECRET, LIST, .about = "what it signs with, any of these: whsec_ keys of Standard Webhooks, else any text of 16 bytes or more" },
{ "producer",  "token",              AM_OPT_SECRET, LIST, .about = "bearer tokens, any of these; for basic USER:PASSWORD" },
{ "producer",  "signature",          AM_OPT_SECTION, .about = "of scheme hmac: the header with the signature" },
{ "producer",  "tolerance",          AM_OPT_SPAN, DEF("5m"), FROM(AM_SECOND, AM_DAY), .about = "a signed time may be so far from ours" },
{ "producer",  "source",             AM_OPT_TEXT, .about = "source of events that name none; default: the producer's name" },
{ "producer",  "events",             AM_OPT_NAME, LIST, .about = "events that it may send; default: all" },
{ "producer",  "allow_net",          AM_OPT_CIDR, LIST, .about = "addresses that may connect, which behind a proxy is the proxy; default: any" },
{ "producer",  "rate",               AM_OPT_RATE, .about = "what is above it is told to come later (429); default: no limit" },
{ "producer",  "batch",              AM_OPT_BOOL, DEF("false"), .about = "takes several CloudEvents in one request" },
{ "producer",  "idempotency",        AM_OPT_CHOICE, DEF("optional"), OF("optional|required"), .about = "required: a request without Idempotency-Key is refused" },
{ "producer",  "each",               AM_OPT_TEXT, .about = "path of an array in the body of which each element is one event, such as \"alerts\"; \"/\": the body is the array; default: the body is one event" },
{ "producer",  "map",                AM_OPT_TITLED, .about = "how a body that is not ours becomes an event; the first map that fits, none: the element is passed over" },
{ "signature", "header",             AM_OPT_TEXT, .about = "name of the header" },
{ "signature", "prefix",             AM_OPT_TEXT, .about = "what stands before the signature, such as \"sha256=\"; default: nothing" },
{ "signature", "encoding",           AM_OPT_CHOICE, DEF("hex"), OF("hex|base64"), .about = "how it is written" },
{ "signature", "digest",             AM_OPT_CHOICE, DEF("sha256"), OF("sha256|sha512|sha1"), .about = "the hash of the HMAC" },
{ "signature", "content",            AM_OPT_TEXT, DEF("{body}"), .about = "what is signed: {body}, {timestamp} and {id}, and text between" },
{ "signature", "timestamp_header",   AM_OPT_TEXT, .about = "header with {timestamp}, held against tolerance: s or ms since 1970, or RFC 3339" },
{ "signature", "id_header",          AM_OPT_TEXT, .about = "header with {id}, the event_id of a request whose event has none" },
{ "map",       "when",               AM_OPT_TEXT, LIST, .about = "PATH=VALUE, all must fit; a path is dotted, from the element or, behind /, from the whole body; VALUE may be empty, for what is absent; default: it fits" },
{ "map",       "event",              AM_OPT_NAME, .about = "the event that it becomes" },
{ "map",       "set",                AM_OPT_TEXT, LIST, .about = "FIELD=TEXT: its fields, with {PATH} of the element, {/PATH} of the whole body, {PATH:id} where only the letters of an id may stand; a field whose text is empty is left out" },

{ "link",      "url",                AM_OPT_URL, .about = "address of this daemon as customers reach it: a link is URL/c/…" },
{ "link",      "secret",             AM_OPT_SECRET, .about = "what links are signed with; another one ends all that are out" },
{ "link",      "ttl",                AM_OPT_SPAN, DEF("30d"), FROM(AM_MINUTE, YEARS(2)), .about = "a link ends after so long" },

{ "audit",     "every",              AM_OPT_SPAN, DEF("1m"), FROM(AM_SECOND, AM_DAY), .about = "how often the daemon looks at itself" },
{ "audit",     "late",               AM_OPT_SPAN, DEF("30s"), FROM(AM_SECOND, AM_DAY), .about = "a deadline that is overdue for longer and has not fired is an alarm" },
{ "audit",     "outbox_age",         AM_OPT_SPAN, DEF("1h"), FROM(AM_SECOND, YEARS(1)), .about = "a follow-up that could have gone for longer, or an endpoint that has taken nothing for longer while something waits for it, is an alarm" },
{ "audit",     "lag",                AM_OPT_SPAN, DEF("1m"), FROM(AM_SECOND, AM_DAY), .about = "an event that is unread for longer is an alarm" },
{ "audit",     "sample",             AM_OPT_COUNT, DEF("20"), FROM(0, 10000), .about = "journals whose chain is checked each time; 0: none" },
{ "audit",     "heartbeat",          AM_OPT_NAME, .about = "endpoint of type webhook that hears amends.heartbeat each time nothing was found; silence is the alarm" },

{ "report",    "every",              AM_OPT_CHOICE, DEF("week"), OF("day|week|month"), .about = "how often, and the span that it is about: the day, week or month before" },
{ "report",    "at",                 AM_OPT_TEXT, .about = "when: \"08:00\" of a day, \"Mon 08:00\" of a week, \"1 08:00\" of a month, days 1 to 28; default: these" },
{ "report",    "timezone",           AM_OPT_TEXT, DEF("UTC"), .about = "IANA name, for at and for where a day ends" },
{ "report",    "via",                AM_OPT_NAME, LIST, .about = "endpoints of type webhook, chat or mail; each gets it" },

{ "calendar",  "timezone",           AM_OPT_TEXT, DEF("UTC"), .about = "IANA name" },
{ "calendar",  "open",               AM_OPT_WINDOW, LIST, .about = "windows by weekday, any number a day" },
{ "calendar",  "closed",             AM_OPT_DATES, LIST, .about = "dates and ranges without any window" },
{ "calendar",  "extra",              AM_OPT_EXTRA, LIST, .about = "make-up working days with their own windows" },

{ "quiet",     "hours",              AM_OPT_HOURS, .about = "from-to in the recipient's own zone" },
{ "person",    "phone",              AM_OPT_PHONE, .about = "E.164 number" },
{ "person",    "email",              AM_OPT_EMAIL, .about = "mail address" },
{ "person",    "timezone",           AM_OPT_TEXT, .about = "IANA name, for quiet hours; default: the loop's" },
{ "role",      "person",             AM_OPT_NAME, LIST, .about = "names of persons, in the order in which they are turned to" },

{ "endpoint",  "type",               AM_OPT_CHOICE, DEF("webhook"), OF("webhook|sms|chat|mail"), .about = "how it is reached" },
{ "endpoint",  "url",                AM_OPT_URL, OF("https|http|smtps|smtp"), .about = "target of a webhook; of mail the server, smtps://HOST or, with STARTTLS, smtp://HOST" },
{ "endpoint",  "allow_http",         AM_OPT_BOOL, DEF("false"), .about = "http:// is allowed; https is the rule" },
{ "endpoint",  "allow_net",          AM_OPT_CIDR, LIST, .about = "private targets that are allowed" },
{ "endpoint",  "ca_file",            AM_OPT_TEXT, .about = "certificates to trust; default: the system's" },
{ "endpoint",  "secret",             AM_OPT_SECRET, LIST, .about = "Standard Webhooks keys; the first signs first" },
{ "endpoint",  "timeout",            AM_OPT_SPAN, DEF("15s"), FROM(10, AM_HOUR), .about = "whole request" },
{ "endpoint",  "connect_timeout",    AM_OPT_SPAN, DEF("5s"), FROM(10, AM_HOUR), .about = "connection and handshake" },
{ "endpoint",  "retry",              AM_OPT_SPAN, LIST, DEF("0s, 5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h"), FROM(0, YEARS(1)), .about = "the attempts; 0s is the first" },
{ "endpoint",  "jitter",             AM_OPT_PERCENT, DEF("20%"), FROM(0, 50), .about = "each delay varies by this share" },
{ "endpoint",  "max_age",            AM_OPT_SPAN, FROM(AM_SECOND, YEARS(1)), .about = "an older follow-up is dead; default: the end of retry" },
{ "endpoint",  "retry_after_max",    AM_OPT_SPAN, DEF("24h"), FROM(0, YEARS(1)), .about = "Retry-After is obeyed up to this" },
{ "endpoint",  "rate",               AM_OPT_RATE, .about = "no window of that length sees more; default: no limit" },
{ "endpoint",  "inflight",           AM_OPT_COUNT, DEF("32"), FROM(1, 1024), .about = "requests at once" },
{ "endpoint",  "breaker_failures",   AM_OPT_COUNT, DEF("5"), FROM(1, 1000), .about = "failures in a row that open the breaker" },
{ "endpoint",  "breaker_cooldown",   AM_OPT_SPAN, DEF("30s"), FROM(10, AM_DAY), .about = "first wait of an open breaker, which doubles; and how long a 429, 502, 503 or 504 without Retry-After makes the endpoint wait" },
{ "endpoint",  "breaker_cooldown_max", AM_OPT_SPAN, DEF("10m"), FROM(10, AM_DAY), .about = "longest wait of an open breaker" },
{ "endpoint",  "max_response",       AM_OPT_BYTES, DEF("4KiB"), FROM(256, 1 << 20), .about = "an answer is read up to this" },
{ "endpoint",  "success_when",       AM_OPT_TEXT, LIST, .about = "rules that all hold in the body of an answer, beside a 2xx, or it is no success; default: 2xx alone" },
{ "endpoint",  "permanent_when",     AM_OPT_TEXT, LIST, .about = "a rule of these holds in the body: dead at once" },
{ "endpoint",  "retry_when",         AM_OPT_TEXT, LIST, .about = "a rule of these holds in the body: tried again, whatever success_when says" },
{ "endpoint",  "throttle_when",      AM_OPT_TEXT, LIST, .about = "a rule of these holds in the body: the whole endpoint waits, as after a 429; how long says Retry-After or the rule, as in \"/code == 130101 : 10m\", else breaker_cooldown" },
{ "endpoint",  "retry_budget",       AM_OPT_PERCENT, DEF("10%"), FROM(0, 100), .about = "no more retries in a minute than this share of the first tries, and one a second all the same; 0%: no such limit" },
{ "endpoint",  "disable_after",      AM_OPT_SPAN, DEF("5d"), FROM(0, YEARS(1)), .about = "disabled after nothing but failures for so long; 0: never" },
{ "endpoint",  "retire_at",          AM_OPT_TIME, .about = "from then on only the first secret signs; default: all always do" },
{ "endpoint",  "provider",           AM_OPT_NAME, .about = "provider block, here or in a file of providers" },
{ "endpoint",  "account",            AM_OPT_TEXT, .about = "account at the provider" },
{ "endpoint",  "user",               AM_OPT_SECRET, .about = "user at the provider or mail server" },
{ "endpoint",  "password",           AM_OPT_SECRET, .about = "password there; where the provider signs, the key" },
{ "endpoint",  "token",              AM_OPT_SECRET, .about = "bearer token, or a robot's" },
{ "endpoint",  "from",               AM_OPT_TEXT, .about = "sender shown to the recipient; of mail ADDRESS or NAME <ADDRESS>" },
{ "endpoint",  "set",                AM_OPT_TEXT, LIST, .about = "NAME=TEXT: values for the provider's own names, such as \"region=cn-hangzhou\"" },
{ "endpoint",  "base_url",           AM_OPT_URL, .about = "scheme, host and port in place of the provider's own; path and query stay" },
{ "endpoint",  "allow_plain",        AM_OPT_BOOL, DEF("false"), .about = "mail may go to a server without TLS" },
{ "endpoint",  "quiet",              AM_OPT_NAME, .about = "name of a quiet section: nothing is sent in its hours; \"none\": at any hour, the default, of which an SMS is warned" },
{ "endpoint",  "per_recipient",      AM_OPT_RATE, LIST, .about = "limits for one recipient; what is over waits" },
{ "endpoint",  "max_segments",       AM_OPT_COUNT, FROM(1, 10), .about = "segments of an SMS, at most; the values in a longer text are shortened" },
{ "endpoint",  "on_uncertain",       AM_OPT_CHOICE, OF("hold|retry|fail"), .about = "when nobody knows whether a sending arrived: wait for a receipt, send it again, or take the next channel; default: hold for sms, retry for the others" },
{ "endpoint",  "receipt_wait",       AM_OPT_SPAN, FROM(0, 30 * AM_DAY), .about = "a receipt is waited for this long, then the state is unknown; default: 30m with callback_url and a provider that has receipts, else 0: accepted is delivered" },
{ "endpoint",  "callback_url",       AM_OPT_URL, .about = "https://HOST/v1/callback/NAME as the provider sees this daemon, NAME that of the endpoint" },
{ "endpoint",  "callback_token",     AM_OPT_SECRET, .about = "last part of the path of callbacks" },
{ "endpoint",  "callback_net",       AM_OPT_CIDR, LIST, .about = "addresses that may connect for callbacks, which behind a proxy is the proxy; default: any" },

{ "provider",  "url",                AM_OPT_TEXT, .about = "what is asked, with holes" },
{ "provider",  "method",             AM_OPT_CHOICE, DEF("POST"), OF("POST|GET|PUT"), .about = "of the request" },
{ "provider",  "header",             AM_OPT_TEXT, LIST, .about = "\"NAME: TEXT\"" },
{ "provider",  "query",              AM_OPT_TEXT, LIST, .about = "\"NAME=TEXT\", added to the url" },
{ "provider",  "form",               AM_OPT_TEXT, LIST, .about = "\"NAME=TEXT\": the body is a form" },
{ "provider",  "json",               AM_OPT_TEXT, .about = "the body is this JSON" },
{ "provider",  "raw",                AM_OPT_TEXT, .about = "the body is this text" },
{ "provider",  "content_type",       AM_OPT_TEXT, .about = "default: by the kind of body" },
{ "provider",  "auth",               AM_OPT_CHOICE, DEF("none"), OF("none|basic|bearer"), .about = "basic: user and password; bearer: token" },
{ "provider",  "user",               AM_OPT_SECRET, .about = "for endpoints that have none" },
{ "provider",  "password",           AM_OPT_SECRET, .about = "for endpoints that have none" },
{ "provider",  "sign",               AM_OPT_CHOICE, DEF("none"), OF("none|aliyun-acs3|tencent-tc3|aws-sigv4|dingtalk|feishu|standard-webhooks"), .about = "how a request is signed, by user and password; standard-webhooks by secret" },
{ "provider",  "sign_service",       AM_OPT_NAME, .about = "service that tencent-tc3 and aws-sigv4 sign for" },
{ "provider",  "params",             AM_OPT_CHOICE, DEF("none"), OF("none|named|ordered"), .about = "texts are templates that the provider has approved, with parameters by name or in order" },
{ "provider",  "param_max",          AM_OPT_COUNT, DEF("0"), FROM(0, 4096), .about = "characters of a parameter, at most; 0: no limit" },
{ "provider",  "max_bytes",          AM_OPT_BYTES, DEF("0"), FROM(0, 1 << 20), .about = "bytes of a text, at most; the values in a longer text are shortened; 0: no limit" },
{ "provider",  "rate",               AM_OPT_RATE, .about = "for endpoints that have none" },
{ "provider",  "at_most_once",       AM_OPT_BOOL, DEF("false"), .about = "what is uncertain is held, unless the endpoint says otherwise" },
{ "provider",  "throttle",           AM_OPT_TEXT, LIST, .about = "rules: too fast; behind \": SPAN\" the endpoint waits so long, behind \": SPAN recipient\" this message only" },
{ "provider",  "opted_out",          AM_OPT_TEXT, LIST, .about = "rules: the recipient wants no messages" },
{ "provider",  "permanent",          AM_OPT_TEXT, LIST, .about = "rules: dead at once" },
{ "provider",  "retryable",          AM_OPT_TEXT, LIST, .about = "rules: not taken, tried again" },
{ "provider",  "uncertain",          AM_OPT_TEXT, LIST, .about = "rules: taken or not, nobody knows" },
{ "provider",  "success",            AM_OPT_TEXT, LIST, DEF("status:2xx"), .about = "rules that all hold when it was taken" },
{ "provider",  "message_id",         AM_OPT_TEXT, .about = "where the answer has the provider's id: a JSON pointer, //NAME in XML" },
{ "provider",  "receipt",            AM_OPT_SECTION, .about = "callbacks that tell what became of a message" },
{ "provider",  "inbound",            AM_OPT_SECTION, .about = "callbacks with what customers write" },

{ "receipt",   "verify",             AM_OPT_CHOICE, DEF("none"), OF("none|twilio|vonage-sig|vonage-jwt"), .about = "how a callback proves itself beside its token: twilio by token, else by password; the others by token, and vonage-sig by SHA-256 HMAC unless the endpoint has set = {\"signature=sha512\"}, sha1, md5 or md5hash" },
{ "receipt",   "items",              AM_OPT_TEXT, .about = "pointer to the array of which each element is one; /: the body is it; default: the body is one" },
{ "receipt",   "id",                 AM_OPT_TEXT, .about = "pointer to the provider's id of the message" },
{ "receipt",   "at",                 AM_OPT_TEXT, .about = "pointer to the time" },
{ "receipt",   "ref",                AM_OPT_TEXT, .about = "pointer to ours, {followup_id}" },
{ "receipt",   "code",               AM_OPT_TEXT, .about = "pointer to the code of an error" },
{ "receipt",   "accepted",           AM_OPT_TEXT, LIST, .about = "rules: on its way; what no rule knows says nothing" },
{ "receipt",   "delivered",          AM_OPT_TEXT, LIST, .about = "rules: it has arrived" },
{ "receipt",   "failed",             AM_OPT_TEXT, LIST, .about = "rules: it will not arrive" },
{ "receipt",   "read",               AM_OPT_TEXT, LIST, .about = "rules: it was read" },
{ "receipt",   "answer",             AM_OPT_TEXT, .about = "body of our answer; default: none, 204" },
{ "receipt",   "answer_type",        AM_OPT_TEXT, DEF("application/json"), .about = "its content type" },

{ "inbound",   "verify",             AM_OPT_CHOICE, DEF("none"), OF("none|twilio|vonage-sig|vonage-jwt"), .about = "how a callback proves itself beside its token: twilio by token, else by password; the others by token, and vonage-sig by SHA-256 HMAC unless the endpoint has set = {\"signature=sha512\"}, sha1, md5 or md5hash" },
{ "inbound",   "items",              AM_OPT_TEXT, .about = "pointer to the array of which each element is one; /: the body is it; default: the body is one" },
{ "inbound",   "id",                 AM_OPT_TEXT, .about = "pointer to the provider's id of the message" },
{ "inbound",   "at",                 AM_OPT_TEXT, .about = "pointer to the time" },
{ "inbound",   "from",               AM_OPT_TEXT, .about = "pointer to the customer's number" },
{ "inbound",   "country",            AM_OPT_TEXT, .about = "code of the country of numbers that come without one, such as 86; default: all have it" },
{ "inbound",   "text",               AM_OPT_TEXT, .about = "pointer to the text" },
{ "inbound",   "opt_out",            AM_OPT_TEXT, .about = "pointer to what the provider itself takes the text for, STOP or START" },
{ "inbound",   "part",               AM_OPT_TEXT, .about = "pointer to the number of this piece of a long text, from 1" },
{ "inbound",   "parts",              AM_OPT_TEXT, .about = "pointer to how many pieces there are" },
{ "inbound",   "part_ref",           AM_OPT_TEXT, .about = "pointer to what the pieces of one text have in common" },
{ "inbound",   "answer",             AM_OPT_TEXT, .about = "body of our answer; default: none, 204" },
{ "inbound",   "answer_type",        AM_OPT_TEXT, DEF("application/json"), .about = "its content type" },

{ "message",   "text",               AM_OPT_TEXT, .about = "the text in the default language" },
{ "message",   "subject",            AM_OPT_TEXT, .about = "subject of a mail, title of a chat message; default: by the reason" },
{ "message",   "lang",               AM_OPT_TITLED, .about = "the text in another language" },
{ "message",   "template",           AM_OPT_TITLED, LIST, .about = "the text as a provider has approved it; the name is the provider's; one a language" },
{ "lang",      "text",               AM_OPT_TEXT, .about = "the text" },
{ "lang",      "subject",            AM_OPT_TEXT, .about = "the subject; default: the message's" },
{ "template",  "id",                 AM_OPT_TEXT, .about = "the provider's name for it" },
{ "template",  "lang",               AM_OPT_TEXT, .about = "its language; default: for those that have none of their own" },
{ "template",  "params",             AM_OPT_TEXT, LIST, .about = "its parameters, \"NAME=TEXT\" where the provider knows them by name, else \"TEXT\" in order" },

{ "replies",   "window",             AM_OPT_SPAN, DEF("7d"), FROM(AM_MINUTE, YEARS(1)), .about = "a question is open to answers this long" },
{ "replies",   "yes",                AM_OPT_TEXT, LIST, DEF("1, yes, y, 是, 已解决, 解决了"), .about = "whole messages that say it is solved" },
{ "replies",   "no",                 AM_OPT_TEXT, LIST, DEF("2, no, n, 否, 未解决, 没解决"), .about = "whole messages that say it is not" },
{ "replies",   "stop",               AM_OPT_TEXT, LIST, DEF("stop, unsubscribe, cancel, end, quit, td, t, 退订, 退定"), .about = "whole messages after which no SMS goes to that number" },
{ "replies",   "start",              AM_OPT_TEXT, LIST, DEF("start, unstop, 恢复, 订阅"), .about = "whole messages that lift a stop" },
{ "recourse",  "url",                AM_OPT_URL, .about = "{recourse.url} in texts" },

{ "route",     "tier",               AM_OPT_NAME, LIST, .about = "tiers, as the event says; default: any" },
{ "route",     "severity",           AM_OPT_TEXT, LIST, .about = "severities; default: any" },
{ "route",     "category",           AM_OPT_TEXT, LIST, .about = "categories; default: any" },
{ "route",     "channel",            AM_OPT_TEXT, LIST, .about = "channels; default: any" },
{ "route",     "loop",               AM_OPT_NAME, .about = "the loop" },
{ "route",     "open_as",            AM_OPT_NAME, .about = "tier of that loop that it opens as, whatever the event says; default: the event's" },

{ "loop",      "timezone",           AM_OPT_TEXT, DEF("UTC"), .about = "days of figures, and of bd without a calendar" },
{ "loop",      "tiers",              AM_OPT_NAME, LIST, DEF("normal"), .about = "highest first" },
{ "loop",      "default_tier",       AM_OPT_NAME, .about = "for an unknown tier; default: the lowest" },
{ "loop",      "hold_reasons",       AM_OPT_NAME, LIST, DEF("waiting_customer, waiting_third_party"), .about = "a hold needs one of them" },
{ "loop",      "max_hold",           AM_OPT_DURATION, DEF("10bd"), .about = "a hold ends by itself after this" },
{ "loop",      "hold_reminders",     AM_OPT_OFFSET, LIST, .about = "whoever is waited for is reminded so long into a hold" },
{ "loop",      "resume_grace",       AM_OPT_SPAN, DEF("0s"), FROM(0, YEARS(1)), .about = "no rung fires this long after a hold" },
{ "loop",      "resume_on_customer", AM_OPT_BOOL, DEF("true"), .about = "a message of the customer ends a hold on the customer" },
{ "loop",      "contradict_window",  AM_OPT_SPAN, DEF("24h"), FROM(0, YEARS(1)), .about = "opposite answers within it go to a person" },
{ "loop",      "negative_words",     AM_OPT_TEXT, LIST, DEF("not solved, still, 没解决, 未解决"), .about = "a satisfied answer with one of them is a contradiction" },
{ "loop",      "repeat_window",      AM_OPT_SPAN, DEF("30d"), FROM(0, YEARS(10)), .about = "a second complaint within it is a repeat; 0: none is" },
{ "loop",      "max_extensions",     AM_OPT_COUNT, DEF("1"), FROM(0, 100), .about = "extensions of one clock" },
{ "loop",      "separate_confirm",   AM_OPT_BOOL, DEF("false"), .about = "who resolved may not confirm" },
{ "loop",      "unowned_max",        AM_OPT_DURATION, .about = "a stage has an owner after this, or its ladder fires; default: no limit" },
{ "loop",      "notify_withdrawal",  AM_OPT_BOOL, DEF("false"), .about = "the customer gets a receipt of a withdrawal" },
{ "loop",      "emergency",          AM_OPT_TEXT, LIST, DEF("emergency"), .about = "severities for which staff's calendars and quiet hours do not count" },
{ "loop",      "group_wait",         AM_OPT_SPAN, DEF("1m"), FROM(0, AM_DAY), .about = "staff get one digest of an incident each; 0: no digests" },
{ "loop",      "notice",             AM_OPT_TITLED, .about = "a message for what the loop says beside its rungs; to customers: recourse, extended, withdrawn, outcome, unclear, notice, reminder, hold; to staff: reopen, deadlock, contradiction, unreachable, message, unowned, autoclose, attempt, hold_owner" },
{ "loop",      "clock",              AM_OPT_TITLED, .about = "loop-wide: acknowledge, inform, final, aftercare" },
{ "loop",      "stage",              AM_OPT_TITLED, .about = "2 to 8, in order; the last is the confirm stage" },

{ "notice",    "message",            AM_OPT_NAME, .about = "the message, in place of the built-in text; without the section notice and reminder have the question's" },

{ "clock",     "budget",             AM_OPT_DURATION, .about = "from its start to the lapse" },
{ "clock",     "calendar",           AM_OPT_NAME, .about = "working time that counts; default: all time" },
{ "clock",     "tier",               AM_OPT_TITLED, .about = "another budget for a tier" },
{ "clock",     "rung",               AM_OPT_TITLED, .about = "what happens by itself" },

{ "stage",     "kind",               AM_OPT_CHOICE, DEF("work"), OF("work|confirm"), .about = "staff complete it, or the customer's answer does" },
{ "stage",     "budget",             AM_OPT_DURATION, .about = "from its start to the lapse" },
{ "stage",     "calendar",           AM_OPT_NAME, .about = "working time that counts; default: all time" },
{ "stage",     "clock",              AM_OPT_CHOICE, DEF("entry"), OF("entry|received"), .about = "when its clock starts" },
{ "stage",     "implied_by_later",   AM_OPT_BOOL, .about = "a later stage done means this one is; default: true for listen, else false" },
{ "stage",     "requires",           AM_OPT_TEXT, LIST, .about = "fields that stage.completed must have" },
{ "stage",     "waivable",           AM_OPT_BOOL, DEF("false"), .about = "stage.waived is allowed" },
{ "stage",     "attempts",           AM_OPT_OFFSET, LIST, DEF("+0, +4h, +1bd"), .about = "when the owner is to call the customer, from the stage's start; {}: never" },
{ "stage",     "silence",            AM_OPT_DURATION, DEF("5bd"), .about = "from the written notice to closing; a reminder goes at half of it" },
{ "stage",     "survey_reminders",   AM_OPT_COUNT, DEF("1"), FROM(0, 16), .about = "rungs to the customer beside the question, at most" },
{ "stage",     "reopen_to",          AM_OPT_NAME, .about = "stage of the next cycle; default: resolve, else the one before" },
{ "stage",     "reopen_at",          AM_OPT_COUNT, DEF("2"), FROM(0, 5), .about = "a score at or below is not satisfied; 0: no score is" },
{ "stage",     "reopen_window",      AM_OPT_SPAN, DEF("14d"), FROM(0, YEARS(10)), .about = "after closing, an unsatisfied answer reopens" },
{ "stage",     "max_reopens",        AM_OPT_COUNT, DEF("2"), FROM(0, 100), .about = "then a person decides" },
{ "stage",     "tier",               AM_OPT_TITLED, .about = "another budget for a tier" },
{ "stage",     "rung",               AM_OPT_TITLED, .about = "what happens by itself" },

{ "tier",      "budget",             AM_OPT_DURATION, .about = "in place of the clock's" },

{ "rung",      "at",                 AM_OPT_POSITION, .about = "share of the budget, or offset after the lapse" },
{ "rung",      "to",                 AM_OPT_CHOICE, DEF("owner"), OF("owner|agent|supervisor|manager|customer|team"), .about = "role that gets it" },
{ "rung",      "tiers",              AM_OPT_NAME, LIST, .about = "tiers that it is for; default: all" },
{ "rung",      "via",                AM_OPT_NAME, LIST, .about = "endpoints in order of preference" },
{ "rung",      "message",            AM_OPT_NAME, .about = "default: a built-in text for the reason" },
{ "rung",      "action",             AM_OPT_CHOICE, OF("reassign|raise-tier|close"), .about = "what else happens; close is refused: silence closes" },
{ "rung",      "defer",              AM_OPT_BOOL, DEF("false"), .about = "wait for the calendar's next opening" },
};
/* clang-format on */

const struct am_option *
am_options(size_t *n)
{
	*n = AM_COUNT(table);
	return table;
}

const struct am_option *
am_option_find(const char *in, const char *name)
{
	for (size_t i = 0; i < AM_COUNT(table); i++) {
		if (strcmp(table[i].in, in) == 0 &&
		    strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

bool
am_option_is_section(const struct am_option *o)
{
	return o->kind == AM_OPT_SECTION || o->kind == AM_OPT_TITLED;
}

/*
 * confman - amends.conf(5), made from the table of keys.
 *
 * usage: confman > docs/man/amends.conf.5
 * The table is the master copy: the page is never edited by hand.
 */

#include <stdio.h>
#include <string.h>

#include "conf/options.h"
#include "conf/provider.h"
#include "core/tmpl.h"

static const char *const kinds[] = {
	[AM_OPT_SECTION] = "section",
	[AM_OPT_TITLED] = "section with a name",
	[AM_OPT_TEXT] = "text",
	[AM_OPT_NAME] = "name",
	[AM_OPT_SPAN] = "time span",
	[AM_OPT_DURATION] = "duration",
	[AM_OPT_OFFSET] = "offset",
	[AM_OPT_POSITION] = "place on a clock",
	[AM_OPT_PERCENT] = "share",
	[AM_OPT_COUNT] = "whole number",
	[AM_OPT_BOOL] = "true or false",
	[AM_OPT_BYTES] = "size",
	[AM_OPT_RATE] = "rate",
	[AM_OPT_CHOICE] = "one of",
	[AM_OPT_TIME] = "time",
	[AM_OPT_SECRET] = "secret reference",
	[AM_OPT_URL] = "URL",
	[AM_OPT_CIDR] = "network",
	[AM_OPT_LISTEN] = "address and port",
	[AM_OPT_WINDOW] = "window",
	[AM_OPT_DATES] = "dates",
	[AM_OPT_EXTRA] = "day and hours",
	[AM_OPT_HOURS] = "hours",
	[AM_OPT_MODE] = "mode",
	[AM_OPT_PHONE] = "phone number",
	[AM_OPT_EMAIL] = "mail address",
};

static const char head[] =
    ".TH AMENDS.CONF 5 \"2026\" \"amends 0.1.0\" \"File Formats Manual\"\n"
    ".SH NAME\n"
    "amends.conf \\- configuration of amendsd\n"
    ".SH DESCRIPTION\n"
    "The file is read first, then every\n"
    ".I NAME.conf\n"
    "in the folder\n"
    ".I conf.d\n"
    "beside it, in the order of their names.\n"
    "A value is written\n"
    ".BR \"key = \\(dqvalue\\(dq\" ,\n"
    "a list\n"
    ".BR \"key = {\\(dqone\\(dq, \\(dqtwo\\(dq}\" ,\n"
    "a section\n"
    ".BR \"type \\(dqname\\(dq { ... }\" .\n"
    "Comments begin with # or //, or stand between /* and */.\n"
    "Nothing is expanded from the environment, and a key that is given twice\n"
    "is an error.\n"
    ".PP\n"
    "At the top level,\n"
    ".B include(\\(dqFILE\\(dq)\n"
    "reads another file as well; its sections and keys stand beside those of\n"
    "this one.\n"
    "A relative path begins at the folder of the file that includes.\n"
    "A file is read once: a second\n"
    ".BR include ,\n"
    "one of a file in\n"
    ".I conf.d\n"
    "and one of a file by itself are errors.\n"
    "Files may be nested eight levels deep.\n"
    "Calendars of public holidays in\n"
    ".I calendars.d\n"
    "are there to be included:\n"
    ".BR include(\\(dqcalendars.d/uk.conf\\(dq) .\n"
    ".PP\n"
    ".B amendsd \\-t \\-c\n"
    ".I FILE\n"
    "checks a file and tells of keys that are read and not in force in this "
    "version.\n"
    ".SH VALUES\n"
    ".TP\n"
    "time span\n"
    "a number and one of ms s m h d w, such as \"10s\".\n"
    ".TP\n"
    "duration\n"
    "a number and one of s m h (time in the clock's calendar), bd (the close "
    "of so\n"
    "many business days after the day of receipt), d w (elapsed time).\n"
    ".TP\n"
    "offset\n"
    "a duration behind a +: \"+15m\", \"+1bd\".\n"
    "A rung's counts from the lapse of its clock, one of\n"
    ".I attempts\n"
    "from the start of the confirm stage, one of\n"
    ".I hold_reminders\n"
    "from the start of the hold; both in the calendar of the stage.\n"
    ".TP\n"
    "place on a clock\n"
    "a share of the budget from \"0%\" to \"100%\", which is the lapse, or an "
    "offset.\n"
    ".TP\n"
    "secret reference\n"
    "file:PATH, credential:NAME (of systemd's LoadCredential) or env:NAME.\n"
    "A key for webhooks is whsec_ and base64 of 24 to 64 bytes.\n"
    ".TP\n"
    "time\n"
    "of RFC 3339, such as \"2027-01-01T00:00:00Z\".\n"
    ".TP\n"
    "rate\n"
    "\"100/1s\": no window of that length sees more.\n"
    ".TP\n"
    "size\n"
    "bytes, or a number and KiB or MiB.\n"
    ".TP\n"
    "window\n"
    "\"Mon-Fri 09:00-18:00\", \"Sat,Sun 10:00-24:00\", \"24x7\".\n"
    "Its end is not part of it.\n"
    "One that ends before it begins, as in \"Mon-Fri 22:00-06:00\", goes over\n"
    "midnight and belongs to the day on which it begins.\n"
    "Where clocks change, both hours of a doubled one count and a missing one\n"
    "counts nothing.\n"
    ".TP\n"
    "dates\n"
    "\"2026-10-01\" or \"2026-10-01..2026-10-07\", both ends included.\n"
    "A closed date has no window that begins on it; the night before ends as\n"
    "ever.\n"
    ".TP\n"
    "day and hours\n"
    "\"2026-10-10 09:00-18:00\": the windows of that day in place of those of\n"
    "its weekday, closed or not; a date may stand there more than once.\n";

static const char rules[] =
    ".SH RULES FOR THE BODY OF AN ANSWER\n"
    "Some receivers answer 200 to everything and say only in the body whether\n"
    "they took the message.\n"
    "An endpoint with rules reads the body as JSON; without any, a 2xx alone\n"
    "is a success.\n"
    ".PP\n"
    ".EX\n"
    "success_when   = {\\(dq/errorCode == 0\\(dq, \\(dq/data/*/status in "
    "0,queued\\(dq}\n"
    "permanent_when = {\\(dq/errorCode in 4013, 4014\\(dq}\n"
    "throttle_when  = {\\(dq/errorCode == 130101 : 10m\\(dq}\n"
    ".EE\n"
    ".PP\n"
    "A rule is a JSON pointer (RFC 6901), an operator and a value, with "
    "blanks\n"
    "between them.\n"
    "The operators are\n"
    ".BR == \", \" != \", \" ^=\n"
    "(begins with),\n"
    ".B in\n"
    "(one of several, parted by commas),\n"
    ".B exists\n"
    "and\n"
    ".BR absent ,\n"
    "for which a null is absent.\n"
    "Values are numbers, true, false, null and texts; a text with blanks or\n"
    "commas, or one that would read as something else, stands in quotes:\n"
    ".BR \\(dq/state\\ ==\\ \\e\\(dqtrue\\e\\(dq\\(dq .\n"
    "Numbers are compared by value.\n"
    "A number in quotes is the same as without, on either side: 0 is "
    "\\(dq0\\(dq;\n"
    "true, false and null are equal to themselves only.\n"
    ".PP\n"
    "A part of a pointer that is\n"
    ".B *\n"
    "stands for the elements of an array or the members of an object: for\n"
    "every one in\n"
    ".IR success_when ,\n"
    "and there must be one; for any one in the other lists.\n"
    ".PP\n"
    ".IR throttle_when ,\n"
    ".I permanent_when\n"
    "and\n"
    ".I retry_when\n"
    "are tried in this order, and the first rule that holds decides: with a "
    "2xx,\n"
    "and with 400 and above but 410, where nothing else changes.\n"
    "A throttle lasts as long as Retry-After or the rule says, whichever is\n"
    "longer; with neither, for\n"
    ".BR breaker_cooldown .\n"
    "Then, with a 2xx, all rules of\n"
    ".I success_when\n"
    "must hold, else the message is tried again.\n"
    "A body that is not JSON, is empty, is longer than\n"
    ".IR max_response ,\n"
    "or has no value where a rule of\n"
    ".I success_when\n"
    "compares one is no success either, and may hide one: it counts as\n"
    "uncertain, as a timeout does, and is tried again under the same id.\n"
    "The breaker counts each of these, but throttles, as a failure.\n"
    ".PP\n"
    "The attempt log says what was found, such as\n"
    ".BR \\(dq/errorCode\\ is\\ 4013,\\ not\\ 0\\(dq ;\n"
    "so compare codes, not what may hold the name of a person.\n";

/* provider blocks, up to the table of names and behind it */
static const char providers_head[] =
    ".SH PROVIDERS\n"
    "A gateway for SMS or a chat robot is described by a block, or a file\n"
    ".I NAME.conf\n"
    "with that one block in a folder of\n"
    ".IR providers .\n"
    "A block of the configuration comes before a file.\n"
    "Adding a gateway, or changing one, takes a file and no other program.\n"
    ".PP\n"
    ".EX\n"
    "provider example {\n"
    "    url  = \\(dqhttps://sms.example/{account:url}/send\\(dq\n"
    "    auth = basic\n"
    "    form = { \\(dqto={to:form}\\(dq, \\(dqtext={text:form}\\(dq }\n"
    "    success    = { \\(dqstatus:200\\(dq, \\(dq/state == queued\\(dq }\n"
    "    throttle   = { \\(dq/code == 17 : 1h recipient\\(dq }\n"
    "    uncertain  = { \\(dqtimeout\\(dq, \\(dqstatus:5xx\\(dq }\n"
    "    message_id = \\(dq/id\\(dq\n"
    "    receipt { id = \\(dq/id\\(dq delivered = \\(dq/state == done\\(dq }\n"
    "}\n"
    ".EE\n"
    ".PP\n"
    "Texts of a request have holes, a name and how its value is put there:\n"
    ".B url\n"
    "in\n"
    ".I url\n"
    "and\n"
    ".IR query ,\n"
    ".B form\n"
    "in\n"
    ".IR form ,\n"
    ".B json\n"
    "(with its quotes) in\n"
    ".IR json ,\n"
    ".B raw\n"
    "in\n"
    ".I raw\n"
    "and, for what has one line, in\n"
    ".IR header ;\n"
    ".B hex\n"
    "anywhere.\n"
    "In\n"
    ".I json\n"
    "and\n"
    ".I raw\n"
    "braces around anything else are themselves, elsewhere they are written\n"
    ".BR {{ \" and \" }} .\n"
    "A name that is not in this list is one that the endpoint gives by\n"
    ".IR set .\n";

static const char providers_tail[] =
    ".PP\n"
    "Rules are those for bodies, below, and three more:\n"
    ".B status:201\n"
    "or\n"
    ".BR status:5xx ,\n"
    ".BR timeout ,\n"
    "when the request had left and no whole answer came, and\n"
    ".B //NAME\n"
    "in place of a pointer: the text of the first element of that name in "
    "XML.\n"
    "The lists are tried in the order\n"
    ".IR throttle ,\n"
    ".IR opted_out ,\n"
    ".IR permanent ,\n"
    ".IR retryable ,\n"
    ".IR uncertain ;\n"
    "then all of\n"
    ".I success\n"
    "must hold.\n"
    "Behind\n"
    ".B : 1h\n"
    "a throttled endpoint waits so long as a whole, behind\n"
    ".B : 1h recipient\n"
    "this follow-up only.\n"
    ".PP\n"
    "Callbacks come to\n"
    ".I callback_url\n"
    "with the\n"
    ".I callback_token\n"
    "behind it as one part more of the path.\n"
    "Their pointers go into a JSON body, or name a field of a form or of the\n"
    "query: /MessageSid.\n";

static const char tail[] =
    ".SH WHAT A LOOP MUST BE\n"
    "Beside the form of each value, a loop in a file is held to this:\n"
    ".IP \\(bu 2\n"
    "Its customers are asked, those of every tier: by a rung at 0% of the\n"
    "confirm stage to the customer, or by the owner, whom\n"
    ".I attempts\n"
    "tell to call.\n"
    ".IP \\(bu 2\n"
    "A work stage can be completed:\n"
    ".I requires\n"
    "may name any field that a producer sends, but none of the envelope.\n"
    "The confirm stage is completed by the customer alone.\n"
    ".IP \\(bu 2\n"
    "Every rung can be reached, and is sent: lists of offsets rise, a hold's\n"
    "reminder comes before\n"
    ".IR max_hold ,\n"
    "and a role gets one follow-up at a place of a clock and tier.\n"
    "What is written in its message fits the\n"
    ".I max_segments\n"
    "of each endpoint that it goes by.\n"
    ".IP \\(bu 2\n"
    "Beside the question the customer gets\n"
    ".I survey_reminders\n"
    "rungs of the confirm stage, at most.\n"
    ".IP \\(bu 2\n"
    "Whoever an action reassigns to is named by the event (supervisor, team)\n"
    "or by a\n"
    ".I role\n"
    "section.\n"
    ".IP \\(bu 2\n"
    "No rung closes a loop: after the last of\n"
    ".I attempts\n"
    "has failed the customer gets a written notice, a reminder at half of\n"
    ".IR silence ,\n"
    "and the loop closes, not confirmed, at the end of it.\n"
    ".PP\n"
    "A loop that open complaints were promised is not held to rules that came\n"
    "later.\n";

static void
key(const struct am_option *o)
{
	printf(".TP\n.B %s\n%s%s", o->name, o->list ? "list of: " : "",
	    kinds[o->kind]);
	for (const char *p = o->of; p != NULL && *p != '\0';) {
		size_t n = strcspn(p, "|");

		printf("%s%.*s", p == o->of ? " " : ", ", (int)n, p);
		p += n + (p[n] == '|');
	}
	printf(": %s.\n", o->about);
	if (o->def != NULL)
		printf("Default: %s.\n", o->def);
}

static void
section(const char *in)
{
	const struct am_option *o;
	size_t n;

	o = am_options(&n);
	printf(".SS %s\n", in[0] != '\0' ? in : "top level");
	for (size_t i = 0; i < n; i++) {
		if (strcmp(o[i].in, in) == 0)
			key(&o[i]);
	}
}

static void
texts(void)
{
	const char *name, *about = NULL;

	puts(".SH TEXTS\n"
	     "A text may name what is known when it is written, as in\n"
	     ".BR {complaint.id} .\n"
	     ".BR {{ \" and \" }}\n"
	     "are the braces themselves;\n"
	     ".B {complaint.id:json}\n"
	     "puts the value into quotes, and\n"
	     ".BR url \", \" form \" and \" hex\n"
	     "in place of json encode it.\n"
	     "Times are those of the loop's\n"
	     ".IR timezone .\n"
	     "A follow-up without a message has a built-in text, in English "
	     "and Chinese.\n"
	     "In an SMS of more than\n"
	     ".I max_segments\n"
	     "values that may be cut end in \"...\", the longest first; all "
	     "else stays whole.");
	for (size_t i = 0; (name = am_tmpl_field(i, &about)) != NULL; i++)
		printf(".TP\n.B {%s}\n%s%s.\n", name, about,
		    am_tmpl_may_cut(i) ? "; may be cut" : "");
}

static void
providers(void)
{
	const struct am_provider_hole *h;
	size_t n;

	fputs(providers_head, stdout);
	h = am_provider_holes(&n);
	for (size_t i = 0; i < n; i++)
		printf(".TP\n.B {%s}\n%s.\n", h[i].name, h[i].about);
	fputs(providers_tail, stdout);
}

static const char producers[] =
    ".SH PRODUCERS\n"
    "A producer that speaks amends's own envelope, or CloudEvents, needs a\n"
    "secret or a token and no more.\n"
    "A scheme says how a request proves who has sent it:\n"
    ".TP\n.B standard-webhooks\n"
    "headers webhook-id, webhook-timestamp and webhook-signature, by a whsec_\n"
    "key; a bearer token in place of them, where the producer has one.\n"
    ".TP\n.B bearer\n"
    "header Authorization: Bearer TOKEN.\n"
    ".TP\n.B basic\n"
    "header Authorization: Basic; token holds USER:PASSWORD.\n"
    ".TP\n.B github\n"
    "header X-Hub-Signature-256.\n"
    ".TP\n.B stripe\n"
    "header Stripe-Signature with a signed time.\n"
    ".TP\n.B hmac\n"
    "one header of any name, as the section\n"
    ".I signature\n"
    "says.\n"
    ".PP\n"
    "A body that is not ours is made events by\n"
    ".IR map :\n"
    "the first of which each\n"
    ".I when\n"
    "fits; without one the element is passed over and counted.\n"
    "Its texts take from the body:\n"
    ".TP\n.B {labels.name}\n"
    "a value of the element, by a dotted path; a number is a place in an\n"
    "array; what is not there is empty.\n"
    ".TP\n.B {/receiver}\n"
    "a value of the whole body, where\n"
    ".I each\n"
    "parts it.\n"
    ".TP\n.B {id:id}\n"
    "only letters, digits and . _ : \\- of it; in place of any other byte "
    "\\-.\n"
    ".PP\n"
    ".BR {{ \" and \" }}\n"
    "are the braces themselves.\n"
    "An event that is told again must have the same\n"
    ".IR event_id :\n"
    "make it of what never changes, and of what makes it another one.\n"
    "Whoever sends by a file of its own, as in conf.d, writes\n"
    ".I producer\n"
    "at the top level.\n";

int
main(void)
{
	const struct am_option *o;
	size_t n;

	fputs(head, stdout);
	puts(".SH KEYS");
	o = am_options(&n);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(o[i].in, o[i - 1].in) != 0)
			section(o[i].in);
	}
	texts();
	providers();
	fputs(producers, stdout);
	fputs(rules, stdout);
	fputs(tail, stdout);
	puts(".SH SEE ALSO\n.BR amendsd (8),\n.BR amendsctl (8)");
	return 0;
}

/*
 * What a bad provider, and an endpoint that does not fit its provider, are
 * told: every row is one edit of the base below, and the exact lines that must
 * come of it, with file and line. Shows OP6; FU13 for the blocks.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf_world.h"

/* clang-format off */
static const char base[] =
    "http { listen = \"127.0.0.1:8480\" }\n"
    "provider p {\n"
    "    url = \"https://{region:url}.p.example/{account:url}/send\"\n"
    "    header = { \"X-Key: {token:raw}\" }\n"
    "    query = { \"to={to:url}\" }\n"
    "    json = '{\"text\":{text:json},\"n\":[{unix_s:raw}]}'\n"
    "    success = { \"status:200\", \"/code == 0\" }\n"
    "    throttle = { \"/code == 9 : 1h recipient\" }\n"
    "    message_id = \"/id\"\n"
    "    receipt { id = \"/id\" delivered = \"/state == ok\" }\n"
    "    inbound { from = \"/from\" text = \"/text\" }\n"
    "}\n"
    "endpoint \"sms\" {\n"
    "    type = \"sms\" provider = \"p\" account = \"A\" token = \"file:ok.secret\"\n"
    "    set = {\"region=eu\"}\n"
    "    callback_url = \"https://a.example/v1/callback/sms\" callback_token = \"file:path.secret\"\n"
    "}\n"
    "endpoint \"mail\" {\n"
    "    type = \"mail\" url = \"smtps://mail.example\" from = \"Us <us@example.com>\"\n"
    "}\n"
    "endpoint \"crm\" { url = \"https://crm.example/hook\" secret = {\"file:ok.secret\"} }\n"
    "message \"ask\" { text = \"Solved?\" }\n"
    "loop \"complaint\" {\n"
    "    stage \"listen\" { budget = \"30m\" }\n"
    "    stage \"confirm\" { kind = \"confirm\"  budget = \"1bd\" rung \"ask\" { at = \"0%\" to = \"customer\" via = {\"sms\"} } }\n"
    "}\n";

struct row {
	const char *name, *find, *put, *told;
};

static const struct row rows[] = {
	/* the block */
	{ "test_provider_when_no_url_then_refused",
	    "    url = \"https://{region:url}.p.example/{account:url}/send\"\n", "\n",
	    "amends.conf:2: provider \"p\" has no url; write such as url = \"https://HOST/PATH\"\n"
	    "amends.conf:15: set: provider p has no hole {region}; remove it" },
	{ "test_provider_when_hole_without_encoder_then_refused",
	    "{to:url}", "{to}",
	    "amends.conf:5: query: no encoder in '{to}'; write such as {to:url}: one of url, form, json, hex and raw" },
	{ "test_provider_when_encoder_of_another_place_in_query_then_refused",
	    "{to:url}", "{to:json}",
	    "amends.conf:5: query: {to} stands there with an encoder that is wrong in this place; write {to:url}" },
	{ "test_provider_when_encoder_of_another_place_in_json_then_refused",
	    "{text:json}", "\"{text:url}\"",
	    "amends.conf:6: json: {text} stands there with an encoder that is wrong in this place; write {text:json}" },
	{ "test_provider_when_text_raw_in_json_then_refused",
	    "{text:json}", "{text:raw}",
	    "amends.conf:6: json: {text} stands there with an encoder that is wrong in this place; write {text:json}" },
	{ "test_provider_when_text_raw_in_header_then_refused",
	    "{token:raw}", "{text:raw}",
	    "amends.conf:4: header: {text} stands there with an encoder that is wrong in this place; write {text:url}" },
	{ "test_provider_when_json_is_none_then_refused",
	    "{text:json},", "\"{text:json}\",",
	    "amends.conf:6: json: is no JSON when its holes are filled ('}' expected near 'x'); {NAME:json} brings its own quotes, and each { has its }" },
	{ "test_provider_when_json_misses_a_brace_then_refused",
	    "{unix_s:raw}]}'", "{unix_s:raw}]'",
	    "amends.conf:6: json: is no JSON when its holes are filled ('}' expected near end of file); {NAME:json} brings its own quotes, and each { has its }" },
	{ "test_provider_when_no_pair_then_refused",
	    "\"to={to:url}\"", "\"{to:url}\"",
	    "amends.conf:5: query: '{to:url}' is no pair; write \"NAME=TEXT\"" },
	{ "test_provider_when_no_header_then_refused",
	    "\"X-Key: {token:raw}\"", "\"X Key: 1\"",
	    "amends.conf:4: header: 'X Key: 1' is no pair; write \"NAME: TEXT\"" },
	{ "test_provider_when_header_of_ours_then_refused",
	    "\"X-Key: {token:raw}\"", "\"X-Key: {token:raw}\", \"Content-Type: text/xml\"",
	    "amends.conf:4: header: Content-Type is set by amends; write content_type" },
	{ "test_provider_when_two_bodies_then_refused",
	    "    message_id", "    form = { \"a=b\" } message_id",
	    "amends.conf:6: json: there is a body already; remove it" },
	{ "test_provider_when_get_with_body_then_refused",
	    "    message_id", "    method = GET message_id",
	    "amends.conf:6: json: a GET has no body; remove it" },
	{ "test_provider_when_signed_for_no_service_then_refused",
	    "    message_id", "    sign = tencent-tc3 message_id",
	    "amends.conf:9: sign: tencent-tc3 signs for a service; write such as sign_service = sms\n"
	    "amends.conf:13: endpoint \"sms\": provider p needs user; write user = \"file:PATH\"\n"
	    "amends.conf:13: endpoint \"sms\": provider p needs password; write password = \"file:PATH\"" },
	{ "test_provider_when_service_without_signature_then_refused",
	    "    message_id", "    sign_service = sms message_id",
	    "amends.conf:9: sign_service: only tencent-tc3 and aws-sigv4 have one; remove it" },
	{ "test_provider_when_sigv4_with_query_then_refused",
	    "    message_id", "    user = \"file:ok.secret\" password = \"file:ok.secret\" sign = aws-sigv4 sign_service = sns message_id",
	    "amends.conf:9: sign: aws-sigv4 signs a POST without a query; write what stands in query into form" },
	{ "test_provider_when_unknown_signature_then_refused",
	    "    message_id", "    sign = aliyun-asc3 message_id",
	    "amends.conf:9: sign: 'aliyun-asc3' is unknown; did you mean 'aliyun-acs3'?" },
	{ "test_provider_when_pointer_is_none_then_refused",
	    "message_id = \"/id\"", "message_id = \"id\"",
	    "amends.conf:9: message_id: 'id' is no JSON pointer; write such as /messages/0/id (or //NAME in XML), in a name ~ as ~0 and / as ~1" },
	{ "test_provider_when_pointer_has_a_bad_escape_then_refused",
	    "inbound { from = \"/from\"", "inbound { from = \"/fr~2m\"",
	    "amends.conf:11: from: '/fr~2m' is no JSON pointer; write such as /messages/0/id, in a name ~ as ~0 and / as ~1" },
	{ "test_provider_when_rule_is_none_then_refused",
	    "\"/code == 0\"", "\"/code = 0\"",
	    "amends.conf:7: success: '/code = 0': behind the pointer stands '='; write one of ==, !=, ^=, in, exists and absent, with a blank on both sides" },
	{ "test_provider_when_success_never_holds_then_refused",
	    "\"status:200\", \"/code == 0\"", "\"status:200\", \"status:201\"",
	    "amends.conf:7: success: 'status:200 ' and 'status:201 ' never hold at once, and all must; join them, as in /status in queued,sent" },
	{ "test_provider_when_list_is_empty_then_refused",
	    "throttle = { \"/code == 9 : 1h recipient\" }", "throttle = {}",
	    "amends.conf:8: throttle: no rule; write such as {\"/code == 0\"}, or leave the key out" },
	{ "test_provider_when_receipt_names_no_message_then_refused",
	    "receipt { id = \"/id\" ", "receipt { ",
	    "amends.conf:10: receipt: nothing says which message it is about; give id or ref, as in id = \"/message_id\"" },
	{ "test_provider_when_receipt_never_says_delivered_then_refused",
	    " delivered = \"/state == ok\"", "",
	    "amends.conf:10: receipt: nothing says that a message has arrived; write such as delivered = \"/status == delivered\"" },
	{ "test_provider_when_receipt_looks_at_a_status_then_refused",
	    "\"/state == ok\"", "\"status:200\"",
	    "amends.conf:10: delivered: 'status:200' is no field of a callback; write such as /status == delivered" },
	{ "test_provider_when_inbound_has_no_text_then_refused",
	    " text = \"/text\"", "",
	    "amends.conf:11: inbound has no text; write such as text = \"/text\"" },
	{ "test_provider_when_pieces_by_half_then_refused",
	    " text = \"/text\"", " text = \"/text\" part = \"/part\"",
	    "amends.conf:11: inbound: pieces are joined by part, parts and part_ref; give all three, or none" },
	{ "test_provider_when_country_is_none_then_refused",
	    " text = \"/text\"", " text = \"/text\" country = \"+86\"",
	    "amends.conf:11: country: '+86' is no code of a country; write digits alone, such as 86" },
	/* the endpoint and its provider */
	{ "test_endpoint_when_unknown_provider_then_refused",
	    "provider = \"p\"", "provider = \"twillio\"",
	    "amends.conf:14: provider: no provider 'twillio'; did you mean 'twilio'?" },
	{ "test_endpoint_when_no_provider_then_refused",
	    "provider = \"p\"", "",
	    "amends.conf:13: endpoint \"sms\" of type sms has no provider; name one, as in provider = \"twilio\"" },
	{ "test_endpoint_when_value_missing_then_refused",
	    "    set = {\"region=eu\"}\n", "\n",
	    "amends.conf:13: endpoint \"sms\": provider p (amends.conf:2) has a hole {region}, for which there is no value; write set = {\"region=…\"}" },
	{ "test_endpoint_when_provider_misspelt_a_name_then_refused",
	    "{text:json}", "{txet:json}",
	    "amends.conf:15: endpoint \"sms\": provider p (amends.conf:2) has a hole {txet}, for which there is no value; write set = {\"txet=…\"}, or did the provider mean {text}?" },
	{ "test_endpoint_when_value_misspelt_then_refused",
	    "region=eu", "regoin=eu",
	    "amends.conf:15: endpoint \"sms\": provider p (amends.conf:2) has a hole {region}, for which there is no value; write set = {\"region=…\"}\n"
	    "amends.conf:15: set: no hole 'regoin'; did you mean 'region'?" },
	{ "test_endpoint_when_value_of_a_key_then_refused",
	    "\"region=eu\"", "\"region=eu\", \"from=x\"",
	    "amends.conf:15: set: {from} has its own meaning in every provider; write it as a key of the endpoint" },
	{ "test_endpoint_when_value_is_none_then_refused",
	    "\"region=eu\"", "\"region=eu\", \"zone\"",
	    "amends.conf:15: set: 'zone' is no value; write NAME=TEXT on one line, such as \"region=cn-hangzhou\"" },
	{ "test_endpoint_when_value_twice_then_refused",
	    "\"region=eu\"", "\"region=eu\", \"region=us\"",
	    "amends.conf:15: set: 'region' is given twice; remove one" },
	{ "test_endpoint_when_key_of_provider_missing_then_refused",
	    "account = \"A\" token = \"file:ok.secret\"", "",
	    "amends.conf:13: endpoint \"sms\": provider p needs token; write token = \"file:PATH\"\n"
	    "amends.conf:13: endpoint \"sms\": provider p needs account; write account = \"…\"" },
	{ "test_endpoint_when_secret_signs_nothing_then_refused",
	    "account = \"A\"", "account = \"A\" secret = {\"file:ok.secret\"}",
	    "amends.conf:14: secret: provider p does not sign with it; remove it" },
	{ "test_endpoint_when_value_makes_no_url_then_refused",
	    "region=eu", "region=e u",
	    "amends.conf:14: provider: with the values of this endpoint the url of p is 'https://e%20u.p.example/A/send', which is no web address; see amends.conf:2" },
	{ "test_endpoint_when_host_of_each_message_then_refused",
	    "{region:url}.p", "{region:url}.{to:url}.p",
	    "amends.conf:14: provider: the host of p is not the same for every message; name it in full, or by a value of set" },
	{ "test_endpoint_when_base_url_has_a_path_then_refused",
	    "account = \"A\"", "account = \"A\" base_url = \"https://b.example/x\"",
	    "amends.conf:14: base_url: the path is the provider's own; write https://b.example" },
	{ "test_endpoint_when_base_url_is_plain_then_refused",
	    "account = \"A\"", "account = \"A\" base_url = \"http://b.example\"",
	    "amends.conf:14: base_url: http:// is not encrypted; use https://, or say allow_http = true" },
	/* callbacks */
	{ "test_endpoint_when_callback_leads_elsewhere_then_refused",
	    "/v1/callback/sms", "/v1/callback/text",
	    "amends.conf:16: callback_url: 'https://a.example/v1/callback/text' does not lead here; it must end in /v1/callback/sms" },
	{ "test_endpoint_when_callback_is_plain_then_refused",
	    "https://a.example", "http://a.example",
	    "amends.conf:16: callback_url: http:// is not encrypted; use https://, or say allow_http = true" },
	{ "test_endpoint_when_callback_without_token_then_refused",
	    " callback_token = \"file:path.secret\"", "",
	    "amends.conf:16: callback_url: without a callback_token anybody could call; write callback_token = \"file:PATH\", with the output of openssl rand -hex 24" },
	{ "test_endpoint_when_callback_token_is_guessed_then_refused",
	    "file:path.secret", "file:plain.secret",
	    "amends.conf:16: callback_token: file:plain.secret is no part of a path that nobody guesses; put 16 letters and digits or more there, as from openssl rand -hex 24" },
	{ "test_endpoint_when_callback_token_alone_then_refused",
	    "callback_url = \"https://a.example/v1/callback/sms\"", "",
	    "amends.conf:16: callback_token: there is no callback_url; write such as callback_url = \"https://HOST/v1/callback/sms\"" },
	{ "test_endpoint_when_nothing_listens_for_callbacks_then_refused",
	    "http { listen = \"127.0.0.1:8480\" }\n", "\n",
	    "amends.conf:16: callback_url: nothing listens for it; add http { listen = \"127.0.0.1:8480\" }" },
	{ "test_endpoint_when_provider_never_calls_then_refused",
	    "    receipt { id = \"/id\" delivered = \"/state == ok\" }\n    inbound { from = \"/from\" text = \"/text\" }\n", "\n\n",
	    "amends.conf:16: callback_url: provider p has neither receipt nor inbound, so nothing would be read; remove it" },
	{ "test_endpoint_when_no_key_for_callbacks_then_refused",
	    "header = { \"X-Key: {token:raw}\" }\n    query = { \"to={to:url}\" }\n    json = '{\"text\":{text:json},\"n\":[{unix_s:raw}]}'\n    success = { \"status:200\", \"/code == 0\" }\n    throttle = { \"/code == 9 : 1h recipient\" }\n    message_id = \"/id\"\n    receipt { id = \"/id\" delivered = \"/state == ok\" }\n    inbound { from = \"/from\" text = \"/text\" }\n}\nendpoint \"sms\" {\n    type = \"sms\" provider = \"p\" account = \"A\" token = \"file:ok.secret\"",
	    "receipt { verify = vonage-sig id = \"/id\" delivered = \"/state == ok\" }\n}\nendpoint \"sms\" {\n    type = \"sms\" provider = \"p\" account = \"A\"",
	    "amends.conf:6: endpoint \"sms\": provider p needs token; write token = \"file:PATH\"" },
	/* keys that mean nothing to a type */
	{ "test_endpoint_when_sms_has_a_url_then_refused",
	    "account = \"A\"", "account = \"A\" url = \"https://x.example/\"",
	    "amends.conf:14: url: means nothing to an endpoint of type sms; the provider has the url; to replace its host write base_url" },
	{ "test_endpoint_when_webhook_has_segments_then_refused",
	    "endpoint \"crm\" {", "endpoint \"crm\" { max_segments = 2 set = {\"a=b\"}",
	    "amends.conf:21: set: means nothing to an endpoint of type webhook; remove it\n"
	    "amends.conf:21: max_segments: means nothing to an endpoint of type webhook; remove it" },
	{ "test_endpoint_when_webhook_rule_looks_at_the_status_then_refused",
	    "endpoint \"crm\" {", "endpoint \"crm\" { permanent_when = {\"status:422\"} throttle_when = {\"/a == 1 : 1h recipient\"}",
	    "amends.conf:21: throttle_when: '/a == 1 : 1h recipient': this is for providers; a webhook's rule looks at JSON, as in /errorCode == 0\n"
	    "amends.conf:21: permanent_when: 'status:422': this is for providers; a webhook's rule looks at JSON, as in /errorCode == 0" },
	{ "test_endpoint_when_too_many_windows_then_refused",
	    "account = \"A\"", "account = \"A\" per_recipient = {\"1/1s\", \"1/2s\", \"1/3s\", \"1/4s\", \"1/5s\"}",
	    "amends.conf:14: per_recipient: 5 limits; at most 4 are taken" },
	{ "test_endpoint_when_window_is_more_than_is_remembered_then_refused",
	    "account = \"A\"", "account = \"A\" per_recipient = {\"64/24h\", \"65/24h\"}",
	    "amends.conf:14: per_recipient: '65/24h' asks for more than is remembered of one recipient; write at most 64" },
	{ "test_endpoint_when_bad_time_of_retirement_then_refused",
	    "endpoint \"crm\" {", "endpoint \"crm\" { retire_at = \"2027-01-01\"",
	    "amends.conf:21: retire_at: '2027-01-01' is no time; write such as \"2027-01-01T00:00:00Z\"" },
	/* mail */
	{ "test_endpoint_when_mail_by_web_then_refused",
	    "smtps://mail.example", "https://mail.example",
	    "amends.conf:19: url: an endpoint of type mail has no address of https://; write such as smtps://HOST" },
	{ "test_endpoint_when_webhook_by_mail_then_refused",
	    "https://crm.example/hook", "smtp://crm.example",
	    "amends.conf:21: url: an endpoint of type webhook has no address of smtp://; write such as https://HOST/PATH" },
	{ "test_endpoint_when_mail_server_has_a_path_then_refused",
	    "smtps://mail.example", "smtps://mail.example/x",
	    "amends.conf:19: url: a mail server has no path; write smtps://HOST[:PORT]" },
	{ "test_endpoint_when_mail_without_sender_then_refused",
	    " from = \"Us <us@example.com>\"", "",
	    "amends.conf:18: endpoint \"mail\" of type mail has no from; write such as from = \"Complaints <complaints@example.com>\"" },
	{ "test_endpoint_when_bad_sender_then_refused",
	    "Us <us@example.com>", "Us <us>",
	    "amends.conf:19: from: 'Us <us>' is no sender of mail; write ADDRESS or NAME <ADDRESS>" },
	{ "test_endpoint_when_half_a_login_then_refused",
	    " from = \"Us", " user = \"file:ok.secret\" from = \"Us",
	    "amends.conf:19: endpoint \"mail\" logs in with half of it; give user and password, or neither" },
	/* messages */
	{ "test_message_when_subject_has_two_lines_then_refused",
	    "text = \"Solved?\"", "text = \"Solved?\" subject = \"a\\nb\"",
	    "amends.conf:22: subject: it has more than one line; write one" },
	{ "test_message_when_subject_has_unknown_field_then_refused",
	    "text = \"Solved?\"", "text = \"Solved?\" subject = \"{complaint.nr}\"",
	    "amends.conf:22: subject: unknown field {complaint.nr}; did you mean {complaint.id}?" },
	{ "test_message_when_template_without_id_then_refused",
	    "text = \"Solved?\"", "text = \"Solved?\" template \"x\" { }",
	    "amends.conf:22: template \"x\" has no id; write the provider's name for it, such as id = \"SMS_154950909\"" },
	{ "test_message_when_template_for_free_text_then_refused",
	    "text = \"Solved?\"", "text = \"Solved?\" template \"p\" { id = \"1\" }",
	    "amends.conf:22: template: provider p takes free text (params = none); remove the template" },
	{ "test_message_when_template_twice_then_refused",
	    "text = \"Solved?\"", "text = \"Solved?\" template \"x\" { id = \"1\" lang = \"zh\" }\ntemplate \"x\" { id = \"2\" lang = \"zh\" }",
	    "amends.conf:23: template \"x\" is given twice for zh; give one of them another lang" },
	{ "test_message_when_parameter_has_unknown_field_then_refused",
	    "text = \"Solved?\"", "text = \"Solved?\" template \"x\" { id = \"1\" params = {\"{clock.deu}\"} }",
	    "amends.conf:22: params: unknown field {clock.deu}; did you mean {clock.due}?" },
	{ "test_message_when_parameter_without_name_then_refused",
	    "message \"ask\" { text = \"Solved?\" }", "provider n { url = \"https://n.example/\" params = named }\nmessage \"ask\" { text = \"Solved?\" template \"n\" { id = \"1\" params = {\"{complaint.id}\"} } }",
	    "amends.conf:23: params: '{complaint.id}' has no name; provider n knows parameters by name: write such as \"id={complaint.id}\"" },
	/* the rest */
	{ "test_http_when_no_address_then_refused",
	    "http { listen = \"127.0.0.1:8480\" }", "http { }",
	    "amends.conf:1: http has no listen; write such as listen = \"127.0.0.1:8480\", or remove the section" },
	{ "test_alert_when_no_such_endpoint_then_refused",
	    "message \"ask\"", "alert = {\"cmr\"}\nmessage \"ask\"",
	    "amends.conf:22: alert: no endpoint 'cmr'; did you mean 'crm'?" },
	{ "test_alert_when_no_webhook_then_refused",
	    "message \"ask\"", "alert = {\"crm\", \"sms\"}\nmessage \"ask\"",
	    "amends.conf:22: alert: endpoint 'sms' is no webhook; name one of type webhook" },
	{ "test_replies_when_a_word_means_two_things_then_refused",
	    "message \"ask\"", "replies { yes = {\"1\", \"End\"} }\nmessage \"ask\"",
	    "amends.conf:22: stop: 'end' stands in yes, too; remove one" },
	{ "test_replies_when_a_word_twice_then_refused",
	    "message \"ask\"", "replies { no = {\"No\", \"NO\"} }\nmessage \"ask\"",
	    "amends.conf:22: no: 'NO' stands there twice; remove one" },
	{ "test_replies_when_no_word_then_refused",
	    "message \"ask\"", "replies { yes = {} }\nmessage \"ask\"",
	    "amends.conf:22: yes: the list is empty; name a word, or leave the key out" },
	/* a file */
	{ "test_provider_file_when_wrong_then_its_line",
	    "provider = \"p\" account = \"A\" token = \"file:ok.secret\"\n    set = {\"region=eu\"}\n    callback_url = \"https://a.example/v1/callback/sms\" callback_token = \"file:path.secret\"", "provider = \"wrong\"",
	    "providers/wrong.conf:3: query: no encoder in '{to}'; write such as {to:url}: one of url, form, json, hex and raw" },
	{ "test_provider_file_when_of_another_name_then_refused",
	    "provider = \"p\"", "provider = \"other\"",
	    "providers/other.conf:2: this file holds one block, provider other { … }, and nothing else" },
	{ "test_provider_file_when_cut_then_refused",
	    "provider = \"p\"", "provider = \"cut\"",
	    "providers/cut.conf:1: provider \"cut\" is not closed before the end of the file; add the missing }" },
	{ "test_provider_file_when_unreadable_then_refused",
	    "provider = \"p\"", "provider = \"folder\"",
	    "providers/folder.conf:0: cannot read the provider (Is a directory); it must be a plain file" },
	{ "test_provider_file_when_nowhere_then_refused",
	    "http { listen = \"127.0.0.1:8480\" }\nprovider p {", "http { listen = \"127.0.0.1:8480\" } providers = {\"there\"}\nprovider gateway {",
	    "amends.conf:14: provider: no block provider p { … }, and no p.conf in providers, there; write one" },
};
/* clang-format on */

static int
setup(void **state)
{
	static const char wrong[] =
	    "provider wrong {\n    url = \"https://w.example/\"\n    query = { "
	    "\"to={to}\" }\n}\n";
	static const char other[] =
	    "# a comment\nprovider another { url = \"https://o.example/\" }\n";

	if (conf_world_setup(state) != 0)
		return -1;
	/* not the shipped ones, which lie elsewhere and stay as they are */
	assert_int_equal(unlink("providers"), 0);
	assert_int_equal(mkdir("providers", 0700), 0);
	conf_world_put("providers/wrong.conf", wrong, strlen(wrong));
	conf_world_put("providers/other.conf", other, strlen(other));
	conf_world_put("providers/cut.conf", "provider cut {", 14);
	conf_world_put("providers/twilio.conf", "", 0);
	assert_int_equal(mkdir("providers/folder.conf", 0700), 0);
	conf_world_put("path.secret", "0123456789abcdefghijklmn\n", 25);
	return 0;
}

static void
check_row(void **state)
{
	const struct row *row = *state;
	char *text = conf_world_edit(base, row->find, row->put);
	char told[4096] = "";
	struct am_diag *diags;
	size_t n, at = 0;

	assert_null(conf_world_load(text, &diags, &n));
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(told + at, sizeof(told) - at,
		    "%s%s:%d: %s", i > 0 ? "\n" : "", diags[i].file,
		    diags[i].line, diags[i].text);
	assert_string_equal(told, row->told);
	free(diags);
	free(text);
}

static void
test_provider_base_is_without_a_fault(void **state)
{
	(void)state;
	am_conf_unref(conf_world_must(base));
}

#define ROWS (sizeof(rows) / sizeof(rows[0]))

int
main(void)
{
	struct CMUnitTest tests[ROWS + 1];

	for (size_t i = 0; i < ROWS; i++)
		tests[i] = (struct CMUnitTest){ rows[i].name, check_row, NULL,
			NULL, (void *)&rows[i] };
	tests[ROWS] = (struct CMUnitTest)cmocka_unit_test(
	    test_provider_base_is_without_a_fault);
	return _cmocka_run_group_tests(
	    "provider_errors", tests, ROWS + 1, setup, conf_world_teardown);
}

#pragma once

/*
 * xml - the text of one element of a small answer (layer: deliver).
 *
 * For gateways that answer in XML and of whose answer one code or one id is
 * wanted: no reader of XML. Namespaces and where an element stands do not
 * matter, attributes, comments and CDATA are passed over, entities stay as they
 * are written.
 */

#include <amends/base.h>

/*
 * The text between the first start tag of that name and what follows it,
 * without blanks around it; "" when elements follow at once. false: there is no
 * such element. *text borrows from body and is untouched then.
 */
bool am_xml_text(struct am_str body, const char *name, struct am_str *text);

/* base/config_check: what values must look like. Each answers NULL, or what the value must be. */
#ifndef BASE_CONFIG_CHECK_H
#define BASE_CONFIG_CHECK_H

#include <chatelaine/base_buf.h>

const char *check_title(struct span s);    /* of a section */
const char *check_address(struct span s);  /* host:port */
const char *check_url(struct span s);      /* http:// or https:// */
const char *check_safe_url(struct span s); /* https://, or http:// on this machine */
const char *check_safe_url_or_empty(struct span s);
const char *check_method(struct span s); /* of HTTP */
const char *check_header(struct span s); /* "Name: value" */
const char *check_face(struct span s);
const char *check_network(struct span s); /* an IP address or a block of them */
const char *check_brokers(struct span s);
const char *check_topic_prefix(struct span s);
const char *check_store(struct span s);
const char *check_rule_on(struct span s);
const char *check_rule_template(struct span s);
const char *check_slug_or_empty(struct span s);
const char *check_account(struct span s); /* Authress's account id: a part of access keys */

#endif

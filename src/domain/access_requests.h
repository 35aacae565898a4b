/* Requests for access, inside. */
#ifndef DOMAIN_ACCESS_REQUESTS_H
#define DOMAIN_ACCESS_REQUESTS_H

#include "domain/access.h"
#include "domain/records.h"

#include <chatelaine/domain_access_requests.h>

#define REQUEST_COLUMNS "id, body, created_by, status, created_at, updated_at"
bool access_request_row_read(struct store_stmt *st, struct arena *a,
                             struct access_request_row *ret);
/* What a kept request would give; its admin is `admin_id`, when it is not absent. */
enum status access_request_record(struct span body, struct span admin_id, struct arena *a,
                                  struct record *ret, struct error *e) MUST_CHECK;

#endif

/* Sessions, inside. */
#ifndef DOMAIN_SESSIONS_H
#define DOMAIN_SESSIONS_H

#include "domain/users.h"

#include <chatelaine/domain_sessions.h>

/* 401 "invalid-credentials", one text for all causes. */
enum status session_refused(struct error *e);

#endif

/* AIRisk: its documents name no way to revoke a token. So none is tried, and no more is said. */
#include "outbound/connector.h"

static const struct step steps[] = {{NULL, NULL, NULL, NULL, NULL}};
const struct connector airisk_connector = {"airisk", steps, NULL};

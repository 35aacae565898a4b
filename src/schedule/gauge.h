/* gauge: chatelaine_keys{state}, counted when the metrics are asked for. */
#ifndef SCHEDULE_GAUGE_H
#define SCHEDULE_GAUGE_H

#include <chatelaine/store.h>

/* From now on from this database, on a connection of the gauge's own. */
enum status gauge_open(struct store *s, struct error *e) MUST_CHECK;
void gauge_close(void);

#endif

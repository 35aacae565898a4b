/* Topic names and the publisher's marks, one a topic. */
#include <chatelaine/journal.h>

static const char *const names[TOPIC_COUNT] = {"webhooks", "keys", "audit"};

const char *topic_name(enum topic t)
{
        return names[t];
}

enum status topic_parse(struct span text, const char *prefix, enum topic *ret, struct error *e)
{
        struct span name = text;

        if (prefix && prefix[0] != '\0' && span_starts(text, prefix))
                name = span_make(text.p + strlen(prefix), text.len - strlen(prefix));
        for (int t = 0; t < TOPIC_COUNT; t++)
                if (span_is(name, names[t]) || span_is(text, names[t])) {
                        *ret = t;
                        return STATUS_OK;
                }
        return error_set(e, STATUS_NOT_FOUND, "topic-unknown", "topic",
                         "the topics are webhooks, keys and audit");
}

enum status journal_marks_load(struct store_conn *db, int64_t ret_marks[TOPIC_COUNT],
                               struct error *e)
{
        int64_t marks[TOPIC_COUNT] = {0};
        struct store_stmt *st;

        TRY(store_query(db, "SELECT topic, seq FROM marks", &st, e, ""));
        while (store_next(st)) {
                int64_t topic = store_int(st, 0);
                if (topic >= 0 && topic < TOPIC_COUNT)
                        marks[topic] = store_int(st, 1);
        }
        TRY(store_done(st, e));
        memcpy(ret_marks, marks, sizeof marks);
        return STATUS_OK;
}

enum status journal_marks_save(struct store_conn *db, const int64_t marks[TOPIC_COUNT],
                               struct error *e)
{
        for (int64_t t = 0; t < TOPIC_COUNT; t++)
                TRY(store_exec(db,
                               "INSERT INTO marks (topic, seq) VALUES ($1, $2) "
                               "ON CONFLICT (topic) DO UPDATE SET seq = excluded.seq",
                               NULL, e, "ii", t, marks[t]));
        return STATUS_OK;
}

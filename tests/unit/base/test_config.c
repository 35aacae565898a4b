#include "unit.h"

#include "base/config_options.h"

#include <chatelaine/base_config.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/chatelaine-config-XXXXXX";
static char file[64];

static int make_dir(void **state)
{
        (void)state;
        if (!mkdtemp(dir))
                return -1;
        snprintf(file, sizeof file, "%s/chatelaine.conf", dir);
        return 0;
}

static int remove_dir(void **state)
{
        (void)state;
        unlink(file);
        return rmdir(dir);
}

static void write_bytes(struct span text)
{
        FILE *f = fopen(file, "w");
        assert_non_null(f);
        assert_int_equal(fwrite(text.p, 1, text.len, f), text.len);
        assert_int_equal(fclose(f), 0);
}

static struct config *load(const char *text)
{
        struct config *c = NULL;
        struct error e = {0};
        write_bytes(span_of(text));
        if (config_load(file, &c, &e) != STATUS_OK)
                fail_msg("%s: %s\n%s", e.where, e.text, text);
        return c;
}

/* The file is refused on this line, for a reason that has these words in it. */
static void assert_refused_bytes(struct span text, unsigned line, const char *words)
{
        struct config *c = NULL;
        struct error e = {0};
        char where[128];

        write_bytes(text);
        snprintf(where, sizeof where, "%s:%u", file, line);
        enum status s = config_load(file, &c, &e);
        if (s != STATUS_INVALID || strcmp(e.where, where) != 0 || !strstr(e.text, words))
                fail_msg("%s\n%s: \"%s\", not line %u, \"%s\"; of:\n%.*s", status_name(s), e.where,
                         e.text, line, words, (int)text.len, text.p);
        assert_null(c);
        assert_string_equal(e.slug, "invalid-config");
}

static void assert_refused(const char *text, unsigned line, const char *words)
{
        assert_refused_bytes(span_of(text), line, words);
}

static const char sample[] =
        "listen \"public\" { address = \"127.0.0.1:8080\"  faces = {\"webhooks\", \"native\", \"contract_fit\", \"airisk\", "
        "\"authress\", \"oauth2\", \"health\"}\n"
        "                  tls_certificate = \"\"  tls_key = \"\" }\n"
        "threads = 0                        # HTTP loops; 0 = one per core\n"
        "state_dir = \"/var/lib/chatelaine\"\n"
        "node = \"\"                          # name in events; empty = host name\n"
        "store = \"sqlite:chatelaine.db\"     # or postgresql://user@host/db\n"
        "secret_file = \"secret.key\"         # pepper, sealing, checkpoint and token keys, versioned lines\n"
        "issuer = \"http://127.0.0.1:8080\"\n"
        "issuer_aliases = {}                # other origins that clients may have used\n"
        "trusted_proxies = {}               # whose Forwarded / X-Forwarded-For is believed\n"
        "app_name = \"chatelaine\"            # the audience that an app's token must name\n"
        "account_id = \"acc-chatelaine-local\"\n"
        "limits { body = \"1MiB\"  items = 1000  depth = 32  connections = 10000  queue = 4096  header = \"16KiB\"  "
        "request_timeout = \"30s\"\n"
        "         app_requests_per_second = 0  app_items_per_second = 0  min_free_disk = \"256MiB\" }      # 0 = no limit\n"
        "kafka { brokers = \"embedded\"       # host:port,... | \"embedded\": in this process | \"none\"\n"
        "        topic_prefix = \"chatelaine.\"  webhook_data = false\n"
        "        property \"compression.type\" { value = \"lz4\" } }                    # any librdkafka property\n"
        "retention { webhooks = \"90d\"  events = \"30d\"  ended_keys = \"90d\" }\n"
        "keys { default_life = \"24h\"  longest_life = \"366d\"  warn_before = \"1h\"  grace = \"2m\" }\n"
        "rule \"document-done\" { on = \"document.done\"  revoke = \"documents/{data.document_id}\"  requires = "
        "\"document:done\" }\n"
        "trust \"login\" { issuer = \"https://...\"  audience = \"\"  jwks = \"\" }       # user tokens of another issuer\n"
        "upstream \"acme\" { kind = \"contract_fit\"  url = \"https://...\"  username = \"\"  password_file = \"\" }\n"
        "audit_sink \"siem\" { url = \"https://...\"  secret_file = \"\" }\n"
        "log { level = \"info\"  format = \"json\" }\n";

static void assert_has_presets(const struct config *c, const char *state_dir)
{
        char path[256];

        assert_int_equal(c->n_listens, 1);
        assert_string_equal(c->listens[0].name, "public");
        assert_string_equal(c->listens[0].address, "127.0.0.1:8080");
        assert_int_equal(c->listens[0].faces, FACE_ALL);
        assert_string_equal(c->listens[0].tls_certificate, "");
        assert_string_equal(c->listens[0].tls_key, "");
        assert_int_equal(c->threads, 0);
        assert_string_equal(c->state_dir, state_dir);
        gethostname(path, sizeof path);
        assert_string_equal(c->node, path);
        snprintf(path, sizeof path, "sqlite:%s/chatelaine.db", state_dir);
        assert_string_equal(c->store, path);
        snprintf(path, sizeof path, "%s/secret.key", state_dir);
        assert_string_equal(c->secret_file, path);
        assert_string_equal(c->issuer, "http://127.0.0.1:8080");
        assert_int_equal(c->issuer_aliases.n, 0);
        assert_int_equal(c->trusted_proxies.n, 0);
        assert_string_equal(c->app_name, "chatelaine");
        assert_string_equal(c->account_id, "acc-chatelaine-local");
        assert_int_equal(c->limits.body_bytes, 1 << 20);
        assert_int_equal(c->limits.items, 1000);
        assert_int_equal(c->limits.depth, 32);
        assert_int_equal(c->limits.connections, 10000);
        assert_int_equal(c->limits.queue, 4096);
        assert_int_equal(c->limits.header_bytes, 16384);
        assert_int_equal(c->limits.request_timeout_ms, 30000);
        assert_int_equal(c->limits.app_requests_per_second, 0);
        assert_int_equal(c->limits.app_items_per_second, 0);
        assert_int_equal(c->limits.min_free_disk_bytes, 256 << 20);
        assert_string_equal(c->kafka.brokers, "embedded");
        assert_string_equal(c->kafka.topic_prefix, "chatelaine.");
        assert_false(c->kafka.webhook_data);
        assert_int_equal(c->retention.webhooks_ms, INT64_C(7776000000));
        assert_int_equal(c->retention.events_ms, INT64_C(2592000000));
        assert_int_equal(c->retention.ended_keys_ms, INT64_C(7776000000));
        assert_int_equal(c->keys.default_life_ms, 86400000);
        assert_int_equal(c->keys.longest_life_ms, INT64_C(31622400000));
        assert_int_equal(c->keys.warn_before_ms, 3600000);
        assert_int_equal(c->keys.grace_ms, 120000);
        assert_string_equal(c->log.level, "info");
        assert_string_equal(c->log.format, "json");
}

static void assert_has_document_done_rule(const struct config *c)
{
        assert_int_equal(c->n_rules, 1);
        assert_string_equal(c->rules[0].name, "document-done");
        assert_string_equal(c->rules[0].on, "document.done");
        assert_string_equal(c->rules[0].app, "");
        assert_string_equal(c->rules[0].revoke, "documents/{data.document_id}");
        assert_string_equal(c->rules[0].requires, "document:done");
        assert_int_equal(c->kafka.n_properties, 1);
        assert_string_equal(c->kafka.properties[0].name, "compression.type");
        assert_string_equal(c->kafka.properties[0].value, "lz4");
}

static void test_the_sample_is_read(void **state)
{
        (void)state;
        struct config *c = load(sample);
        assert_string_equal(c->path, file);
        assert_has_presets(c, "/var/lib/chatelaine");
        assert_has_document_done_rule(c);
        assert_int_equal(c->rules[0].line, 20);
        assert_int_equal(c->n_trusts, 1);
        assert_string_equal(c->trusts[0].name, "login");
        assert_string_equal(c->trusts[0].issuer, "https://...");
        assert_string_equal(c->trusts[0].audience, "");
        assert_string_equal(c->trusts[0].jwks, "");
        assert_int_equal(c->n_upstreams, 1);
        assert_string_equal(c->upstreams[0].kind, "contract_fit");
        assert_string_equal(c->upstreams[0].password_file, "");
        assert_int_equal(c->n_audit_sinks, 1);
        assert_string_equal(c->audit_sinks[0].secret_file, "");
        config_free(c);
}

static void test_an_empty_file_means_the_presets(void **state)
{
        (void)state;
        static const char *const rows[] = {"", "\n", "# nothing", "/* nothing */",
                                           "kafka {}\nlimits { }\n"};
        for (size_t i = 0; i < LENGTH(rows); i++) {
                struct config *c = load(rows[i]);
                assert_has_presets(c, "/var/lib/chatelaine");
                assert_int_equal(c->n_rules, 0);
                assert_int_equal(c->kafka.n_properties, 0);
                config_free(c);
        }
}

static void write_default(struct buf *out, const char *state_dir)
{
        struct error e;
        buf_init(out, 1 << 20);
        assert_int_equal(config_write_default(state_dir, out, &e), STATUS_OK);
}

static void test_the_default_file_means_the_presets(void **state)
{
        (void)state;
        CLEANUP(buf_fini) struct buf text;
        write_default(&text, "/srv/x");
        struct config *c = load(text.data);
        assert_has_presets(c, "/srv/x");
        assert_has_document_done_rule(c);
        assert_int_equal(c->n_trusts + c->n_upstreams + c->n_audit_sinks, 0);

        /* Nothing but the place of the state, the rule and the property differs from a file that
         * says nothing. */
        CLEANUP(buf_fini) struct buf changed;
        struct config *nothing =
                load("state_dir = \"/srv/x\" kafka { property compression.type { value = lz4 } }");
        buf_init(&changed, 1000);
        config_restart_needed(c, nothing, &changed);
        assert_string_equal(buf_view(&changed).p, "");
        config_free(nothing);
        config_free(c);
}

static void uncomment_examples(struct buf *text)
{
        for (char *p = text->data; *p; p++)
                if (p[0] == '\n' && p[1] == '#' && (p[2] != ' ' || p[3] == ' '))
                        p[1] = ' ';
}

static void test_the_examples_hold_when_they_are_uncommented(void **state)
{
        (void)state;
        CLEANUP(buf_fini) struct buf text;
        write_default(&text, "/srv/x");
        uncomment_examples(&text);
        struct config *c = load(text.data);
        assert_int_equal(c->n_trusts, 1);
        assert_string_equal(c->trusts[0].name, "login");
        assert_int_equal(c->n_upstreams, 1);
        assert_string_equal(c->upstreams[0].kind, "contract_fit");
        assert_int_equal(c->n_audit_sinks, 1);
        config_free(c);
}

static void test_every_option_is_documented(void **state)
{
        (void)state;
        CLEANUP(buf_fini) struct buf text;
        write_default(&text, "/srv/x");
        uncomment_examples(&text);
        const char *at = text.data;
        size_t n = 0;

        for (const struct config_option *o = config_options; o->name; o++, n++) {
                if (!o->comment || strlen(o->comment) < 8)
                        fail_msg("%s.%s has no comment", o->section, o->name);
                assert_non_null(config_section_find(o->section));
                assert_true(o->preset || (o->is_required && o->shown));
                assert_ptr_equal(config_option_find(o->section, o->name), o);
        }
        for (const struct config_section *s = config_sections; s->name; s++)
                assert_true(!*s->name || strlen(s->comment) > 8);

        /* Each line that sets an option follows a comment that says whether a reload takes it. */
        size_t settings = 0;
        for (at = strchr(at, '\n'); at; at = strchr(at + 1, '\n')) {
                const char *end = strchr(at + 1, '\n');
                struct span line = span_make(at + 1, end ? (size_t)(end - at - 1) : strlen(at + 1));
                assert_true(line.len <= 160);
                const char *equals = memmem(line.p, line.len, " = ", 3);
                if (!equals || span_starts(span_trim(line), "#"))
                        continue;
                settings++;
                const char *before = at;
                while (before > text.data && before[-1] != '\n')
                        before--;
                struct span comment = span_make(before, (size_t)(at - before));
                if (!memmem(comment.p, comment.len, " yes]", 5) &&
                    !memmem(comment.p, comment.len, " no]", 4))
                        fail_msg("not documented: %.*s", (int)line.len, line.p);
        }
        assert_int_equal(settings, n);
}

static void test_a_state_dir_with_odd_characters_comes_back(void **state)
{
        (void)state;
        CLEANUP(buf_fini) struct buf text;
        struct error e;
        write_default(&text, "/srv/a \"b\" \\ ${HOME} # é");
        struct config *c = load(text.data);
        assert_string_equal(c->state_dir, "/srv/a \"b\" \\ ${HOME} # é");
        config_free(c);
        buf_reset(&text);
        assert_int_equal(config_write_default("/srv/a\nthreads = 3", &text, &e), STATUS_INVALID);
        assert_int_equal(config_write_default("/srv/\xff", &text, &e), STATUS_INVALID);
}

static void test_all_kinds_of_values_are_read(void **state)
{
        (void)state;
        struct config *c =
                load("listen \"a\" { address = \"[::1]:8443\" }\n"
                     "listen b { address = localhost:0 faces = {\"native\", \"webhooks\",} }\n"
                     "listen c { address = 'localhost:0' }\n"
                     "threads = \"3\" node = n1 store = \"postgresql://u@h/db\" state_dir = '/s'\n"
                     "trusted_proxies = {10.0.0.0/8, \"::1\"}\n");
        assert_int_equal(c->n_listens, 3);
        assert_string_equal(c->listens[1].name, "b");
        assert_int_equal(c->listens[1].faces, FACE_NATIVE | FACE_WEBHOOKS);
        assert_string_equal(c->listens[2].address, "localhost:0");
        assert_int_equal(c->threads, 3);
        assert_string_equal(c->node, "n1");
        assert_string_equal(c->store, "postgresql://u@h/db");
        assert_int_equal(c->trusted_proxies.n, 2);
        assert_string_equal(c->trusted_proxies.items[0], "10.0.0.0/8");
        config_free(c);

        c = load(
                "limits { body = 1MiB header = 512 min_free_disk = 0 request_timeout = 1m30s items = 5 } // bare\n"
                "retention { webhooks = \"1w\" events = 90 }\n"
                "kafka { brokers = \"a:9092, [::1]:9092\" webhook_data = yes property \"a.b\" { value = \"\" }\n"
                "property \"c\" { value = \"x y\" } }\n"
                "state_dir = \"/s\" listen \"a\" { address = \"[::1]:8443\" faces = {health} tls_certificate = c.pem "
                "tls_key = \"/k.pem\" }\n"
                "issuer_aliases = {\"https://a.example\", \"https://b.example/x\"}\n"
                "rule \"x\" { on = \"order.*\" revoke = \"inboxes/{data.a.b}/documents/{id}\" app = \"mail\" }\n"
                "upstream \"u\" { kind = contract_fit url = https://u.example/api password_file = \"u.pw\" }\n"
                "store = \"sqlite:/abs/x.db\"\n");
        assert_int_equal(c->limits.body_bytes, 1 << 20);
        assert_int_equal(c->limits.header_bytes, 512);
        assert_int_equal(c->limits.min_free_disk_bytes, 0);
        assert_int_equal(c->limits.request_timeout_ms, 90000);
        assert_int_equal(c->limits.items, 5);
        assert_int_equal(c->retention.webhooks_ms, 604800000);
        assert_int_equal(c->retention.events_ms, 90000);
        assert_true(c->kafka.webhook_data);
        assert_int_equal(c->kafka.n_properties, 2);
        assert_string_equal(c->kafka.properties[1].value, "x y");
        assert_int_equal(c->listens[0].faces, FACE_HEALTH);
        assert_string_equal(c->listens[0].tls_certificate, "/s/c.pem");
        assert_string_equal(c->listens[0].tls_key, "/k.pem");
        assert_int_equal(c->issuer_aliases.n, 2);
        assert_string_equal(c->issuer_aliases.items[1], "https://b.example/x");
        assert_string_equal(c->rules[0].revoke, "inboxes/{data.a.b}/documents/{id}");
        assert_string_equal(c->rules[0].requires, "");
        assert_string_equal(c->upstreams[0].password_file, "/s/u.pw");
        assert_string_equal(c->store, "sqlite:/abs/x.db");
        config_free(c);
}

static void test_a_relative_state_dir_is_made_absolute(void **state)
{
        (void)state;
        char cwd[4096], expected[4200];
        assert_non_null(getcwd(cwd, sizeof cwd));
        struct config *c = load("state_dir = \"./var\"");
        snprintf(expected, sizeof expected, "%s/var/secret.key", cwd);
        assert_string_equal(c->secret_file, expected);
        config_free(c);
}

static void test_the_environment_is_put_in(void **state)
{
        (void)state;
        setenv("CHT_SET", "fromenv", 1);
        setenv("CHT_EMPTY", "", 1);
        setenv("CHT_BAD", "a\nb", 1);
        unsetenv("CHT_UNSET");
        struct config *c = load(
                "node = \"x-${CHT_SET}-${CHT_UNSET:-def}\" app_name = \"${CHT_UNSET:-}y\"\n"
                "kafka { topic_prefix = \"${CHT_EMPTY:-x}\" } secret_file = '/x/${CHT_UNSET}'\n"
                "limits { items = \"${CHT_UNSET:-7}\" } # ${CHT_UNSET}\n");
        assert_string_equal(c->node, "x-fromenv-def");
        assert_string_equal(c->app_name, "y");
        assert_string_equal(c->kafka.topic_prefix, "");
        assert_string_equal(c->secret_file, "/x/${CHT_UNSET}");
        assert_int_equal(c->limits.items, 7);
        config_free(c);

        assert_refused("\nnode = \"${CHT_UNSET}\"", 2, "CHT_UNSET is not set");
        assert_refused("node = \"${CHT_BAD}\"", 1, "control");
        assert_refused("node = \"${}\"", 1, "${NAME}");
        assert_refused("node = \"${:-x}\"", 1, "${NAME}");
        assert_refused("node = \"${CHT_SET:x}\"", 1, "${NAME}");
        assert_refused("node = \"${CHT_SET-x}\"", 1, "${NAME}");
        assert_refused("node = \"${1X}\"", 1, "${NAME}");
        assert_refused("node = \"${CHT_SET\"", 1, "${NAME}");
        assert_refused("node = \"${CHT_UNSET:-a\nb}\"", 1, "${NAME}");
        assert_refused("node = ${CHT_SET}", 1, "\"$\" cannot stand here");
}

static void test_lines_are_counted_past_comments(void **state)
{
        (void)state;
        assert_refused("# one\n# two\n/* three\n four */ // more\nbogus = 1\n", 5, "bogus");
        assert_refused("limits {\n  # x\n  bogus = 1\n}", 3, "bogus");
        assert_refused("kafka {\n property \"x\" {\n value = \"1\" # y\n bogus = \"1\"\n}}", 4,
                       "bogus");
        assert_refused("\r\n\r\nlimits {\r\n items = x\r\n}\r\n", 4,
                       "limits.items must be a whole number");
        assert_refused("node = a#b\nbogus = 1", 2, "bogus");
        assert_refused("store = sqlite:a//b/*\n*/ bogus = 1", 2, "bogus");
}

static void test_what_is_not_the_language_is_refused(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                unsigned line;
                const char *words;
        } rows[] = {
                {"\nlimits {\n items = 1\n", 2, "limits is not closed"},
                {"kafka { property \"x\" {\n value = \"1\" }", 1, "kafka is not closed"},
                {"threads = 1 }", 1, "closes nothing"},
                {"\n/* open\n", 2, "comment is not closed"},
                {"\nnode = \"open\nthreads = 1\"", 2, "string is not closed"},
                {"node = 'open", 1, "string is not closed"},
                {"node = \"open\\", 1, "string is not closed"},
                {"issuer_aliases = {\n\"https://a\"", 1, "list is not closed"},
                {"issuer_aliases = {\"https://a\" \"https://b\"}", 1, "comma"},
                {"issuer_aliases = {, }", 1, "value of the list"},
                {"issuer_aliases = {{}}", 1, "value of the list"},
                {"node = a*b", 1, "\"*\" cannot"},
                {"*\nnode = a", 1, "\"*\" cannot"},
                {"issuer_aliases += {\"https://a\"}", 1, "\"+\" cannot"},
                {"node = a;", 1, "\";\" cannot"},
                {"include(\"/etc/passwd\")", 1, "\"(\" cannot"},
                {"node = \"a\tb\"", 1, "control character"},
                {"node = \"\\t\"", 1, "control"},
                {"node = \"\\n\"", 1, "control"},
                {"node = \"a\\0\"", 1, "by number"},
                {"node = \"a\\x00\"", 1, "by number"},
                {"node = \"a\\\nb\"", 1, "not closed"},
                {"node = \"\xff\"", 1, "UTF-8"},
                {"node = \"\xc3\"", 1, "UTF-8"},
                {"\vnode = a", 1, "control character"},
                {"node = a\rthreads = 1", 1, "control character"},
                {"\x7fnode = a", 1, "control character"},
                {"\xef\xbb\xbfnode = a", 1, "name of an option"},
                {"node", 1, "ends"},
                {"node =", 1, "value"},
                {"node = = a", 1, "value"},
                {"node = }", 1, "value"},
                {"node a", 1, "ends"},
                {"node \"a\"\nthreads = 1", 2, "opening brace"},
                {"node { }", 1, "missing equal"},
                {"\"node\" = a", 1, "name of an option"},
                {"limits|items = 1", 1, "name of an option"},
                {"limits = 1", 1, "opening brace"},
                {"limits \"x\" { items = 1 }", 1, "opening brace"},
                {"listen { address = \"a:1\" }", 1, "title"},
                {"threads = 1 2", 1, "ends where"},
                {"items = 5", 1, "items"},
                {"bogus { }", 1, "bogus"},
                {"bogus \"x\" { }", 1, "bogus"},
                {"property \"x\" { value = \"\" }", 1, "property"},
                {"limits { kafka { } }", 1, "kafka"},
                {"kafka { property \"x\" { property \"y\" { } } }", 1, "deeply"},
                {"Threads = 1", 1, "name of an option"},
        };
        for (size_t i = 0; i < LENGTH(rows); i++)
                assert_refused(rows[i].text, rows[i].line, rows[i].words);
        assert_refused_bytes(span_make("node = \"a\0b\"", 12), 1, "control character");
        assert_refused_bytes(span_make("\0", 1), 1, "control character");
}

static void test_a_second_time_is_refused(void **state)
{
        (void)state;
        assert_refused("threads = 1\n\nthreads = 1", 3, "threads is given twice (first on line 1)");
        assert_refused("limits {\nitems = 1\nitems = 2\n}", 3,
                       "items is given twice (first on line 2)");
        assert_refused("limits { items = 1 }\nlimits { depth = 2 }", 2,
                       "section limits is given twice (first on line 1)");
        assert_refused("issuer_aliases = {}\nissuer_aliases = {}", 2, "twice");
        assert_refused("rule a { on = a revoke = a }\nrule a { on = b revoke = b }", 2,
                       "duplicate title 'a'");
        assert_refused("kafka { property a { value = b }\nproperty a { value = b } }", 2,
                       "duplicate title 'a'");
        config_free(load("rule a { on = a revoke = a }\nrule b { on = a revoke = a }"));
}

static void test_wrong_values_are_refused(void **state)
{
        (void)state;
        static const struct {
                const char *text, *words;
        } rows[] = {
                {"threads = -1", "threads must be 0 to 256"},
                {"threads = 257", "threads must be 0 to 256"},
                {"threads = \"\"", "whole number"},
                {"threads = 0x10", "whole number"},
                {"threads = 1.5", "whole number"},
                {"threads = 99999999999999999999", "whole number"},
                {"threads = {1}", "unexpected"},
                {"state_dir = \"\"", "must not be empty"},
                {"app_name = \"\"", "must not be empty"},
                {"account_id = \"\"", "must not be empty"},
                {"secret_file = \"\"", "must not be empty"},
                {"store = \"\"", "sqlite:FILE"},
                {"store = \"mysql://x\"", "sqlite:FILE"},
                {"store = \"sqlite:\"", "sqlite:FILE"},
                {"account_id = \"acc.one\"", "letters, digits"},
                {"issuer = \"ftp://x\"", "URL"},
                {"issuer = \"https://\"", "URL"},
                {"issuer = \"https://a b\"", "URL"},
                {"issuer_aliases = {\"a\"}", "URL"},
                {"trusted_proxies = {\"10.0.0.0/33\"}", "block"},
                {"trusted_proxies = {\"10.0.0\"}", "block"},
                {"trusted_proxies = {\"::1/129\"}", "block"},
                {"trusted_proxies = {\"::1/\"}", "block"},
                {"limits { body = 0 }", "limits.body must be 1 to 1GiB"},
                {"limits { body = 2GiB }", "limits.body must be 1 to 1GiB"},
                {"limits { body = -1MiB }", "limits.body must be 1 to 1GiB"},
                {"limits { body = 1MB }", "KiB, MiB or GiB"},
                {"limits { body = MiB }", "KiB, MiB or GiB"},
                {"limits { body = 9223372036854775807GiB }", "KiB, MiB or GiB"},
                {"limits { items = 0 }", "1 to 100000"},
                {"limits { request_timeout = 5ms }", "limits.request_timeout must be 10ms to 1d"},
                {"limits { request_timeout = \"soon\" }", "duration"},
                {"retention { events = 0 }", "1s to 36500d"},
                {"kafka { brokers = \"\" }", "host:port,..."},
                {"kafka { brokers = \"a\" }", "host:port,..."},
                {"kafka { brokers = \"a:1,,b:2\" }", "host:port,..."},
                {"kafka { brokers = \"a:0\" }", "host:port,..."},
                {"kafka { brokers = \"embedded,a:1\" }", "host:port,..."},
                {"kafka { topic_prefix = \"a/b\" }", "letters"},
                {"kafka { webhook_data = maybe }", "boolean"},
                {"kafka { webhook_data = \"\" }", "boolean"},
                {"kafka { property x { } }", "property \"x\" needs value"},
                {"kafka { property \"a b\" { value = c } }", "name of property"},
                {"listen \"\" { address = \"a:1\" }", "name of listen"},
                {"listen a { address = \"127.0.0.1\" }", "host:port"},
                {"listen a { address = \"::1:80\" }", "host:port"},
                {"listen a { address = \"[::1]\" }", "host:port"},
                {"listen a { address = \"127.0.0.1:65536\" }", "host:port"},
                {"listen a { address = \"127.0.0.1:+1\" }", "host:port"},
                {"listen a { address = \"127.0.0.256:1\" }", "host:port"},
                {"listen a { address = \":80\" }", "host:port"},
                {"listen a { faces = {} }", "listen.faces must not be empty"},
                {"listen a { faces = {\"\"} }", "must not be empty"},
                {"listen a { faces = {\"admin\"} }", "a face"},
                {"listen a { tls_key = k }", "both tls_certificate and tls_key"},
                {"listen a { } listen b { }", "has the address of listen \"a\""},
                {"keys { default_life = 2d longest_life = 1d }", "default_life must not be more"},
                {"rule a { on = b }", "rule \"a\" needs revoke"},
                {"rule a { revoke = b }", "rule \"a\" needs on"},
                {"rule a { on = \"\" revoke = b }", "rule.on"},
                {"rule a { on = \"a*b\" revoke = b }", "rule.on must be a webhook's type"},
                {"rule a { on = \"**\" revoke = b }", "rule.on must be a webhook's type"},
                {"rule a { on = b revoke = \"\" }", "a resource"},
                {"rule a { on = b revoke = \"d/{\" }", "a resource"},
                {"rule a { on = b revoke = \"d/}\" }", "a resource"},
                {"rule a { on = b revoke = \"d/{}\" }", "a resource"},
                {"rule a { on = b revoke = \"d/{data}\" }", "a resource"},
                {"rule a { on = b revoke = \"d/{data.}\" }", "a resource"},
                {"rule a { on = b revoke = \"d/{data..a}\" }", "a resource"},
                {"rule a { on = b revoke = \"d/{data.a{id}}\" }", "a resource"},
                {"rule a { on = b revoke = \"d/{status}\" }", "a resource"},
                {"rule a { on = b revoke = \"d/{id.a}\" }", "a resource"},
                {"rule a { on = b revoke = c requires = \"a b\" }", "rule.requires"},
                {"trust a { }", "needs issuer"},
                {"trust a { issuer = \"\" }", "must not be empty"},
                {"trust a { issuer = x jwks = y }", "URL"},
                {"trust a { issuer = x }", "needs jwks"},
                {"trust a { issuer = \"http://login.example.com\" }", "https"},
                {"trust a { issuer = x jwks = \"http://login.example.com/jwks\" }", "https"},
                {"trust a { issuer = x jwks = \"http://127.0.0.1.example.com/jwks\" }", "https"},
                {"trust a { issuer = x jwks = \"https://a:b@login.example.com/jwks\" }", "https"},
                {"trust a { issuer = \"http://127.0.0.1:8080\" }", "is ours"},
                {"trust a { issuer = \"http://127.0.0.1:8080/v1/clients/sc_1\" }", "is ours"},
                {"trust a { issuer = \"https://x\" } trust b { issuer = \"https://x\" }",
                 "the issuer of trust \"a\""},
                {"upstream a { kind = other url = \"https://x\" }",
                 "upstream.kind must be one of contract_fit"},
                {"upstream a { kind = contract_fit }", "needs url"},
                {"upstream a { kind = http url = \"http://x.example.com/{token}\" }", "https"},
                {"upstream a { kind = http url = \"http://127.0.0.1.example.com/\" }", "https"},
                {"upstream a { kind = http url = \"http://localhost@example.com/\" }", "https"},
                {"upstream a { kind = http url = \"https://u:p@example.com/\" }", "https"},
                {"upstream a { kind = http url = \"https://x/\" method = delete }", "method"},
                {"upstream a { kind = http url = \"https://x/\" headers = {\"X\"} }",
                 "Name: value"},
                {"upstream a { kind = http url = \"https://x/\" }", "{token}"},
                {"upstream a { kind = http url = \"https://x/\" concurrency = 0 }", "1 to 64"},
                {"audit_sink a { url = x }", "URL"},
                {"log { level = loud }", "log.level must be one of error|warn|info|debug"},
                {"log { format = xml }", "log.format must be one of json|text"},
                {"log { level = \"error|warn\" }", "one of"},
        };
        char text[200];
        for (size_t i = 0; i < LENGTH(rows); i++) {
                snprintf(text, sizeof text, "\n# x\n%s\n", rows[i].text);
                assert_refused(text, 3, rows[i].words);
        }
}

static void test_a_secret_value_is_never_in_an_error(void **state)
{
        (void)state;
        struct config *c;
        struct error e;
        write_bytes(SPAN("kafka { property \"sasl.password\" { value = \"hunter2\\n\" } }"));
        assert_int_equal(config_load(file, &c, &e), STATUS_INVALID);
        assert_null(strstr(e.text, "hunter2"));
}

static void test_files_that_cannot_be_read_are_refused(void **state)
{
        (void)state;
        struct config *c = NULL;
        struct error e;
        assert_int_equal(config_load("/nonexistent/chatelaine.conf", &c, &e), STATUS_NOT_FOUND);
        assert_string_equal(e.where, "/nonexistent/chatelaine.conf");
        assert_int_equal(config_load("/etc/passwd/x", &c, &e), STATUS_NOT_FOUND);
        assert_int_equal(config_load(dir, &c, &e), STATUS_INVALID);
        assert_non_null(strstr(e.text, "directory"));
        assert_int_equal(config_load("/dev/zero", &c, &e), STATUS_INVALID);
        assert_non_null(strstr(e.text, "larger than"));

        CLEANUP(buf_fini) struct buf text;
        buf_init(&text, 1 << 20);
        for (int i = 0; i < 5000; i++)
                buf_printf(&text, "rule r%d {}\n", i);
        assert_refused_bytes(buf_view(&text), 4097, "More than 4096");
        assert_null(c);
}

static void test_what_needs_a_restart_is_named(void **state)
{
        (void)state;
        CLEANUP(buf_fini) struct buf out;
        struct config *old = load("kafka { property a { value = b } } trusted_proxies = {\"::1\"}");
        buf_init(&out, 1000);

        struct config *now = load(
                "kafka { property a { value = b } } trusted_proxies = {\"::1\"} log { level = debug }\n"
                "rule x { on = y revoke = z } keys { grace = 5s } retention { events = 1d }");
        config_restart_needed(old, now, &out);
        assert_string_equal(buf_view(&out).p, "");
        config_free(now);

        now = load(
                "threads = 2 limits { items = 7 } trusted_proxies = {\"::2\"} listen public { faces = {health} }\n"
                "kafka { webhook_data = on property a { value = c } } trust a { issuer = \"https://b\" }");
        config_restart_needed(old, now, &out);
        assert_string_equal(
                out.data,
                "listen, threads, trusted_proxies, limits.items, kafka.webhook_data, property");
        config_free(now);
        config_free(old);
        config_free(NULL);
}

static void test_a_reload_keeps_what_needs_a_restart(void **state)
{
        (void)state;
        struct config *running =
                load("threads = 2 issuer = \"http://a\" trusted_proxies = {\"::1\"}\n"
                     "kafka { property a { value = b } }");
        struct config *now =
                load("threads = 3 issuer = \"http://b\" issuer_aliases = {\"http://c\"}\n"
                     "listen public { faces = {health} } keys { grace = 5s }\n"
                     "limits { items = 7 } kafka { webhook_data = on }\n"
                     "rule x { on = y revoke = z }");

        config_keep(running, now);
        assert_int_equal(now->threads, 2);
        assert_string_equal(now->issuer, "http://a");
        assert_int_equal(now->trusted_proxies.n, 1);
        assert_string_equal(now->trusted_proxies.items[0], "::1");
        assert_int_equal(now->limits.items, 1000);
        assert_false(now->kafka.webhook_data);
        assert_int_equal(now->kafka.n_properties, 1);
        assert_string_equal(now->kafka.properties[0].value, "b");
        assert_int_equal(now->listens[0].faces, running->listens[0].faces);
        /* What a reload takes. */
        assert_int_equal(now->issuer_aliases.n, 1);
        assert_int_equal(now->keys.grace_ms, 5000);
        assert_int_equal(now->n_rules, 1);
        config_free(now);
        config_free(running);
}

static void test_many_reloads_of_good_and_bad_files_leak_nothing(void **state)
{
        (void)state;
        static const char *const bad[] = {
                "rule a { on = b revoke = c }\nrule a { on = b revoke = c }",
                "kafka { property x { value = 1 } bogus = 1",
                "kafka { property x { value = 1 } bogus = 1 }",
                "listen a { faces = {health, admin} }",
                "node = \"x\" node = 1",
                "issuer_aliases = {\"https://a\", \"b\"}",
                "listen { }",
                "limits { items = 0 }",
        };
        struct config *c;
        for (int i = 0; i < 400; i++) {
                config_free(load(sample));
                write_bytes(span_of(bad[(size_t)i % LENGTH(bad)]));
                assert_int_equal(config_load(file, &c, NULL), STATUS_INVALID);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_sample_is_read),
                cmocka_unit_test(test_an_empty_file_means_the_presets),
                cmocka_unit_test(test_the_default_file_means_the_presets),
                cmocka_unit_test(test_the_examples_hold_when_they_are_uncommented),
                cmocka_unit_test(test_every_option_is_documented),
                cmocka_unit_test(test_a_state_dir_with_odd_characters_comes_back),
                cmocka_unit_test(test_all_kinds_of_values_are_read),
                cmocka_unit_test(test_a_relative_state_dir_is_made_absolute),
                cmocka_unit_test(test_the_environment_is_put_in),
                cmocka_unit_test(test_lines_are_counted_past_comments),
                cmocka_unit_test(test_what_is_not_the_language_is_refused),
                cmocka_unit_test(test_a_second_time_is_refused),
                cmocka_unit_test(test_wrong_values_are_refused),
                cmocka_unit_test(test_a_secret_value_is_never_in_an_error),
                cmocka_unit_test(test_files_that_cannot_be_read_are_refused),
                cmocka_unit_test(test_what_needs_a_restart_is_named),
                cmocka_unit_test(test_a_reload_keeps_what_needs_a_restart),
                cmocka_unit_test(test_many_reloads_of_good_and_bad_files_leak_nothing),
        };
        return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

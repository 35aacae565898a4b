#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool parse_bare(struct span text, uint8_t ret[16])
{
        char copy[IP_TEXT_BYTES];
        if (text.len == 0 || text.len >= sizeof copy || memchr(text.p, '\0', text.len))
                return false;
        memcpy(copy, text.p, text.len);
        copy[text.len] = '\0';
        uint8_t v4[4];
        if (inet_pton(AF_INET, copy, v4) == 1) {
                memcpy(ret, mapped, sizeof mapped);
                memcpy(ret + 12, v4, 4);
                return true;
        }
        return inet_pton(AF_INET6, copy, ret) == 1;
}

bool address_parse(struct span text, uint8_t ret[16])
{
        text = span_trim(text);
        if (text.len == 0)
                return false;
        if (text.p[0] == '[') {
                const char *end = memchr(text.p, ']', text.len);
                return end && parse_bare(span_make(text.p + 1, (size_t)(end - text.p) - 1), ret);
        }
        const char *colon = memchr(text.p, ':', text.len);
        size_t behind = colon ? text.len - (size_t)(colon + 1 - text.p) : 0;
        if (colon && !memchr(colon + 1, ':', behind)) /* one colon: IPv4 with its port */
                text.len = (size_t)(colon - text.p);
        return parse_bare(text, ret);
}

void address_text(const uint8_t address[16], char ret[IP_TEXT_BYTES])
{
        if (memcmp(address, mapped, sizeof mapped) == 0)
                inet_ntop(AF_INET, address + 12, ret, IP_TEXT_BYTES);
        else
                inet_ntop(AF_INET6, address, ret, IP_TEXT_BYTES);
}

bool address_of(const struct sockaddr *sa, uint8_t ret[16])
{
        if (sa->sa_family == AF_INET) {
                memcpy(ret, mapped, sizeof mapped);
                memcpy(ret + 12, &((const struct sockaddr_in *)sa)->sin_addr, 4);
                return true;
        }
        if (sa->sa_family != AF_INET6)
                return false;
        memcpy(ret, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
        return true;
}

enum status cidr_parse(const char *text, struct cidr *ret, struct error *e)
{
        struct span bits;
        struct span address = span_split(span_of(text), '/', &bits);
        struct cidr c = {.bits = 128};
        if (!parse_bare(address, c.address))
                return error_set(e, STATUS_INVALID, "invalid-address", text,
                                 "Not an IP address or network.");
        bool is_v4 = memcmp(c.address, mapped, sizeof mapped) == 0 &&
                     !memchr(address.p, ':', address.len);
        if (bits.p) {
                int64_t n;
                TRY(span_int64(bits, &n, e));
                if (n < 0 || n > (is_v4 ? 32 : 128))
                        return error_set(e, STATUS_INVALID, "invalid-address", text,
                                         "The prefix length is out of range.");
                c.bits = (unsigned)n + (is_v4 ? 96 : 0);
        }
        *ret = c;
        return STATUS_OK;
}

static bool cidr_has(const struct cidr *c, const uint8_t address[16])
{
        unsigned whole = c->bits / 8, rest = c->bits % 8;
        if (memcmp(c->address, address, whole) != 0)
                return false;
        return rest == 0 || ((c->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}

bool cidr_any(const struct cidr *list, size_t n, const uint8_t address[16])
{
        for (size_t i = 0; i < n; i++)
                if (cidr_has(&list[i], address))
                        return true;
        return false;
}

void proxy_walk(const struct cidr *trusted, size_t n, const struct span *hops, size_t n_hops,
                uint8_t address[16])
{
        uint8_t hop[16];
        for (size_t i = n_hops; i-- > 0 && cidr_any(trusted, n, address);) {
                if (!address_parse(hops[i], hop))
                        return;
                memcpy(address, hop, sizeof hop);
        }
}

struct span forwarded_for(struct span element)
{
        struct span rest = element;
        while (rest.p) {
                struct span pair = span_trim(span_split(rest, ';', &rest));
                struct span value;
                struct span name = span_split(pair, '=', &value);
                if (!value.p || !span_is_nocase(span_trim(name), "for"))
                        continue;
                value = span_trim(value);
                if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
                        value = span_make(value.p + 1, value.len - 2);
                return value;
        }
        return SPAN_NONE;
}

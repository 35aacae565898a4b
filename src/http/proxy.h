/*
 * proxy: who the client is when trusted proxies stand between.
 *
 * Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d, so that one comparison
 * serves both.
 */
#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include <chatelaine/base_buf.h>
#include <chatelaine/base_config.h>
#include <sys/socket.h>

struct cidr {
        uint8_t address[16];
        unsigned bits; /* 0..128 */
};

#define IP_TEXT_BYTES 46

/* "10.0.0.0/8", "::1". INVALID with where = the text. */
enum status cidr_parse(const char *text, struct cidr *ret, struct error *e) MUST_CHECK;
bool cidr_any(const struct cidr *list, size_t n, const uint8_t address[16]);

/* "1.2.3.4", "1.2.3.4:80", "::1", "[::1]:80"; false for anything else. */
bool address_parse(struct span text, uint8_t ret[16]);
void address_text(const uint8_t address[16], char ret[IP_TEXT_BYTES]);
/* False when it is not an IP address. */
bool address_of(const struct sockaddr *sa, uint8_t ret[16]);

/*
 * Walk a list of hops from the right (the nearest) while they are trusted;
 * `address` goes in as the peer's and comes out as the client's. A hop that
 * cannot be read ends the walk at the one before it.
 */
void proxy_walk(const struct cidr *trusted, size_t n, const struct span *hops, size_t n_hops,
                uint8_t address[16]);
/* The `for` of one element of Forwarded (RFC 7239, section 4), unquoted; absent when it has none.
 */
struct span forwarded_for(struct span element);

#endif

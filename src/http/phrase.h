/* Statuses that Chatelaine answers with, and their reason phrases (RFC 9110, section 15):
 * constants, never a caller's text. */
#ifndef HTTP_PHRASE_H
#define HTTP_PHRASE_H

#define PHRASE_MAP(X)                             \
        X(204, "No Content")                      \
        X(200, "OK")                              \
        X(201, "Created")                         \
        X(202, "Accepted")                        \
        X(207, "Multi-Status")                    \
        X(301, "Moved Permanently")               \
        X(302, "Found")                           \
        X(303, "See Other")                       \
        X(304, "Not Modified")                    \
        X(307, "Temporary Redirect")              \
        X(308, "Permanent Redirect")              \
        X(400, "Bad Request")                     \
        X(401, "Unauthorized")                    \
        X(402, "Payment Required")                \
        X(403, "Forbidden")                       \
        X(404, "Not Found")                       \
        X(405, "Method Not Allowed")              \
        X(406, "Not Acceptable")                  \
        X(408, "Request Timeout")                 \
        X(409, "Conflict")                        \
        X(410, "Gone")                            \
        X(411, "Length Required")                 \
        X(412, "Precondition Failed")             \
        X(413, "Content Too Large")               \
        X(414, "URI Too Long")                    \
        X(415, "Unsupported Media Type")          \
        X(416, "Range Not Satisfiable")           \
        X(417, "Expectation Failed")              \
        X(421, "Misdirected Request")             \
        X(422, "Unprocessable Content")           \
        X(423, "Locked")                          \
        X(424, "Failed Dependency")               \
        X(425, "Too Early")                       \
        X(428, "Precondition Required")           \
        X(429, "Too Many Requests")               \
        X(431, "Request Header Fields Too Large") \
        X(500, "Internal Server Error")           \
        X(501, "Not Implemented")                 \
        X(502, "Bad Gateway")                     \
        X(503, "Service Unavailable")             \
        X(504, "Gateway Timeout")                 \
        X(507, "Insufficient Storage")

enum {
#define X(status, text) PHRASE_##status,
        PHRASE_MAP(X)
#undef X
                PHRASE_OTHER,
        PHRASES_MAX
};

/* Its place in the map; all that are not there share the last. */
unsigned phrase_index(unsigned status);
const char *phrase(unsigned status);

#endif

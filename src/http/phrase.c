#include "phrase.h"

static const struct {
        unsigned status;
        const char *text;
} phrases[] = {
#define X(status, text) {status, text},
        PHRASE_MAP(X)
#undef X
                {0, "Other"},
};

unsigned phrase_index(unsigned status)
{
        unsigned i = 0;
        while (i < PHRASE_OTHER && phrases[i].status != status)
                i++;
        return i;
}

const char *phrase(unsigned status)
{
        return phrases[phrase_index(status)].text;
}

#include <chatelaine/domain_apps.h>

#define SCOPE_CHARACTERS_MAX 15

bool scope_is_valid(struct span slug)
{
        if (!slug.p || slug.len < 1 || slug.len > SCOPE_CHARACTERS_MAX)
                return false;
        size_t colons = 0;
        for (size_t i = 0; i < slug.len; i++) {
                char c = slug.p[i];
                if (c == ':')
                        colons++;
                else if (c != '_' && (c < 'a' || c > 'z'))
                        return false;
                else if (c == '_' && i && slug.p[i - 1] == '_')
                        return false;
        }
        return colons <= 1;
}

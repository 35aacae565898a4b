/* src/facade/page/share.html as a text; cmake/EmbedPage.cmake makes it. */
#ifndef FACADE_PAGE_H
#define FACADE_PAGE_H

extern const char facade_page[];

#endif

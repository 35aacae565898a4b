/* footprint: what the start needed and the run does not. */
#ifndef CHATELAINE_APP_FOOTPRINT_H
#define CHATELAINE_APP_FOOTPRINT_H

/*
 * Gives back the memory that only starting took: free heap, and the pages of
 * code and symbol tables that the linker and the constructors of some 45
 * libraries touched. What is needed again comes back from the page cache.
 */
void footprint_trim(void);

#endif

#include "CLinux.h"

#define TEXT_OF(words) #words
#define TEXT(words) TEXT_OF(words)

#ifdef DEBUG
#define CONFIGURATION "debug build"
#else
#define CONFIGURATION "release build"
#endif

#ifdef WIF_COMMIT
const char *wif_build(void) { return CONFIGURATION " of commit " TEXT(WIF_COMMIT); }
#else
const char *wif_build(void) { return CONFIGURATION; }
#endif

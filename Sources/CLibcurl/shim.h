#include <curl/curl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

// curl_easy_setopt, curl_easy_getinfo, curl_multi_setopt and curl_share_setopt are variadic: Swift
// cannot call them, and the compiler would not check the argument's type. One function per type of
// value does both.

// For options whose value is a long.
static inline CURLcode wif_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}
// For options whose value is a string (libcurl copies it); NULL unsets.
static inline CURLcode wif_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}
// For options that keep a pointer: it must outlive the transfer.
static inline CURLcode wif_set_pointer(CURL *easy, CURLoption option, const void *value) {
    return curl_easy_setopt(easy, option, value);
}
// For CURLOPT_POSTFIELDSIZE_LARGE and its like.
static inline CURLcode wif_set_size(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}
// For CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION.
static inline CURLcode wif_set_receiver(
    CURL *easy, CURLoption option, size_t (*receive)(char *, size_t, size_t, void *)) {
    return curl_easy_setopt(easy, option, receive);
}
// What a newer libcurl offers is asked of the one that is there at run time, whichever was there when
// this was compiled; an older one answers CURLE_UNKNOWN_OPTION.
enum {
    WIF_CURLOPT_PROTOCOLS = CURLOPTTYPE_LONG + 181,
    WIF_CURLOPT_PROTOCOLS_STR = CURLOPTTYPE_STRINGPOINT + 318,
    WIF_CURLOPT_QUICK_EXIT = CURLOPTTYPE_LONG + 322,
    WIF_CURLINFO_CAINFO = CURLINFO_STRING + 61,
};
// CURLOPT_PROTOCOLS_STR took the place of CURLOPT_PROTOCOLS in 7.85.
static inline CURLcode wif_allow_http_only(CURL *easy) {
    CURLcode result = curl_easy_setopt(easy, (CURLoption)WIF_CURLOPT_PROTOCOLS_STR, "http,https");
    if (result != CURLE_UNKNOWN_OPTION) return result;
    long both = CURLPROTO_HTTP | CURLPROTO_HTTPS;
    return curl_easy_setopt(easy, (CURLoption)WIF_CURLOPT_PROTOCOLS, both);
}
// CURLOPT_QUICK_EXIT (7.87): the end of a transfer does not wait for a name server.
static inline CURLcode wif_leave_resolver_behind(CURL *easy) {
    CURLcode result = curl_easy_setopt(easy, (CURLoption)WIF_CURLOPT_QUICK_EXIT, 1L);
    return result == CURLE_UNKNOWN_OPTION ? CURLE_OK : result;
}
// The TLS minimum is an enumerator that Swift sees as another type than long.
static inline CURLcode wif_require_tls12(CURL *easy) {
    CURLcode result = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (result != CURLE_OK) return result;
    return curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

// The values' types of curl_easy_getinfo.
static inline long wif_get_long(CURL *easy, CURLINFO info) {
    long value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}
static inline curl_off_t wif_get_time(CURL *easy, CURLINFO info) {
    curl_off_t value = 0;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : 0;
}
// The value's type of CURLINFO_PRIMARY_IP and its like; NULL if there is none. Lives as long as the handle.
static inline const char *wif_get_text(CURL *easy, CURLINFO info) {
    char *value = NULL;
    return curl_easy_getinfo(easy, info, &value) == CURLE_OK ? value : NULL;
}
// What CURLOPT_CERTINFO collected of one of the peer's certificates, its own the first: the line that
// begins with that name and a colon, without both; NULL if there is none. Lives as long as the handle.
static inline const char *wif_certificate_field(CURL *easy, int index, const char *name) {
    struct curl_certinfo *chain = NULL;
    size_t length = strlen(name);
    if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
        chain->num_of_certs <= index)
        return NULL;
    for (struct curl_slist *line = chain->certinfo[index]; line != NULL; line = line->next)
        if (strncmp(line->data, name, length) == 0 && line->data[length] == ':')
            return line->data + length + 1;
    return NULL;
}
// What the system's resolver says of a name, as libcurl asks it: 0 for an address, 1 for a name that has
// none, 2 where no name server gave an answer, 3 for anything else. getaddrinfo(3)
static inline int wif_look_up(const char *name, char *address, size_t size) {
    struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    switch (getaddrinfo(name, NULL, &wanted, &found)) {
    case 0:
        if (getnameinfo(found->ai_addr, found->ai_addrlen, address, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0)
            address[0] = '\0';
        freeaddrinfo(found);
        return 0;
    case EAI_NONAME: return 1;
    case EAI_AGAIN: return 2;
    default: return 3;
    }
}
// The CA bundle that libcurl was built to use (CURLINFO_CAINFO, 7.84); NULL if there is none.
static inline const char *wif_default_bundle(CURL *easy) {
    char *path = NULL;
    return curl_easy_getinfo(easy, (CURLINFO)WIF_CURLINFO_CAINFO, &path) == CURLE_OK ? path : NULL;
}

// A share without locks: for handles that all stay on one thread.
static inline CURLSH *wif_share_tls_sessions(void) {
    CURLSH *share = curl_share_init();
    if (share != NULL &&
        curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
        curl_share_cleanup(share);
        return NULL;
    }
    return share;
}

// Header lines may hold tokens, and curl_slist_free_all does not wipe.
static inline void wif_wipe_list(struct curl_slist *list) {
    for (struct curl_slist *line = list; line != NULL; line = line->next)
        explicit_bzero(line->data, strlen(line->data));
    curl_slist_free_all(list);
}

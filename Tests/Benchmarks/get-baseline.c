// get-baseline METADATA-URL ENDPOINT AUDIENCE ISSUER [default|CAFILE|CADIR]: what `wif-agent get
// --fresh` does, with the least that libcurl needs: one request for the token, one for the exchange,
// base64_credential on standard output. Where the CA certificates come from is libcurl's default,
// or the file, or the hashed directory.
// cc -O2 -o get-baseline get-baseline.c -lcurl
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct body {
    char *bytes;
    size_t count;
};

static size_t collect(char *bytes, size_t size, size_t count, void *context) {
    struct body *body = context;
    char *grown = realloc(body->bytes, body->count + size * count + 1);
    if (!grown) return 0;
    body->bytes = grown;
    memcpy(grown + body->count, bytes, size * count);
    body->count += size * count;
    grown[body->count] = 0;
    return size * count;
}

static int failed(CURL *curl, struct body *body, const char *what) {
    long status = 0;
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK && status == 200 && body->bytes) return 0;
    fprintf(stderr, "%s: %s, status %ld\n", what, curl_easy_strerror(code), status);
    return 1;
}

int main(int count, char **arguments) {
    if (count < 5) {
        fprintf(stderr, "usage: get-baseline METADATA-URL ENDPOINT AUDIENCE ISSUER [CA]\n");
        return 64;
    }
    const char *ca = count > 5 ? arguments[5] : "default";
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = curl_easy_init();
    if (!curl) return 70;

    struct body token = {0}, reply = {0};
    char url[4096], json[65536];
    char *audience = curl_easy_escape(curl, arguments[3], 0);
    snprintf(url, sizeof url,
             "%s/computeMetadata/v1/instance/service-accounts/default/identity?audience=%s"
             "&format=full", arguments[1], audience);
    struct curl_slist *flavor = curl_slist_append(NULL, "Metadata-Flavor: Google");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, flavor);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &token);
    if (failed(curl, &token, "token")) return 69;

    snprintf(url, sizeof url, "%s/SecureTokenService/ExchangeExternalToken", arguments[2]);
    snprintf(json, sizeof json, "{\"audience\":\"%s\",\"issuer_uri\":\"%s\",\"jwt_token\":\"%s\"}",
             arguments[3], arguments[4], token.bytes);
    struct curl_slist *type = curl_slist_append(NULL, "Content-Type: application/json");
    struct stat facts;
    if (strcmp(ca, "default") != 0 && stat(ca, &facts) == 0 && S_ISDIR(facts.st_mode)) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(curl, CURLOPT_CAPATH, ca);
    } else if (strcmp(ca, "default") != 0) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, type);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply);
    if (failed(curl, &reply, "exchange")) return 75;

    char *value = strstr(reply.bytes, "\"base64_credential\"");
    value = value ? strchr(value + 19, '"') : NULL;
    char *end = value ? strchr(value + 1, '"') : NULL;
    if (!end) return 76;
    fwrite(value + 1, 1, (size_t)(end - value - 1), stdout);
    return 0;
}

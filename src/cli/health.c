/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for health; see health.h. */
#include "cli/health.h"

#include <curl/curl.h>

#include "base/alloc.h"

enum { ASK_MILLISECONDS = 2000 };

static size_t drop(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

bool health_is_up(const char *url)
{
    AUTO_FREE char *address = alloc_format("%s/health", url);
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        return false;
    }
    curl_easy_setopt(curl, CURLOPT_URL, address);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)ASK_MILLISECONDS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    long status = 0;
    bool answered = curl_easy_perform(curl) == CURLE_OK &&
                    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK;
    curl_easy_cleanup(curl);
    return answered && status == 200;
}

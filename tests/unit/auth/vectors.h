/* SPDX-License-Identifier: Apache-2.0 */
/* Published keys and tokens: RFC 7515, A.2 (RS256) and A.3 (ES256); RFC 8037, A.4 (EdDSA).
 * The tokens for RFC 9864 were signed with the key of RFC 8037, A.1, by Python's cryptography. */
#pragma once

#define RFC7515_CLAIMS                                                                             \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"

#define RS256_JWK                                                                                  \
    "{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-"   \
    "Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_"   \
    "7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb"   \
    "3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FR"   \
    "WyuXpoQ\",\"e\":\"AQAB\"}"
#define RS256_SIGNATURE                                                                            \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"        \
    "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvk"   \
    "SjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvW"   \
    "h6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define RS256_HEADER "eyJhbGciOiJSUzI1NiJ9"
#define RS256_TOKEN RS256_HEADER "." RFC7515_CLAIMS "." RS256_SIGNATURE

#define ES256_JWK                                                                                  \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","     \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
#define ES256_TOKEN                                                                                \
    "eyJhbGciOiJFUzI1NiJ9." RFC7515_CLAIMS                                                         \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

#define EDDSA_JWK                                                                                  \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define EDDSA_SIGNED "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
#define EDDSA_SIGNATURE                                                                            \
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

#define EDDSA_JWK_FOR(algorithm)                                                                   \
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"" algorithm "\","                              \
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define EDDSA_TOKEN                                                                                \
    "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJqb2UifQ."                                                     \
    "eUs_28qQd2lc6CAHx3g_XtGr28zC8e_sImejXS9ofEBoTVlSXiYjvqcmx7yuoF_ghhT_nBFTEorkJ4PuDeR6Ag"
#define ED25519_TOKEN                                                                              \
    "eyJhbGciOiJFZDI1NTE5In0.eyJpc3MiOiJqb2UifQ."                                                  \
    "AU7Vnbi22zHc7iQCteAiqdjAbZ5CmWAfQCu0K3fwYq3qpGik6t6LBpW3WUFg3aO4fb59RVTNus1dOfolDuF4AA"

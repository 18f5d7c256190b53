package wecomtest

import (
	"crypto/rand"
	"encoding/base64"
)

// nonce returns n random bytes in URL-safe base64, the format of WeCom's tokens, msgids and response codes.
func nonce(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails, see its documentation
	return base64.RawURLEncoding.EncodeToString(raw)
}

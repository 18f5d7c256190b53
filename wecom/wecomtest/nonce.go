package wecomtest

import (
	"crypto/rand"
	"encoding/base64"
)

// nonce returns n random bytes in url-safe base64, which is how WeCom's tokens,
// msgids and response codes look.
func nonce(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails, see its documentation
	return base64.RawURLEncoding.EncodeToString(raw)
}

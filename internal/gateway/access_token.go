package gateway

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/config"
)

// access is the content of an access token. gettoken returns one, and a browser's session
// is one. None is stored, so that every gateway with the same configuration accepts
// it: it contains the gateway token itself, encrypted with a key derived from that
// token's hash. The hash alone is not enough to forge one. The access token alone,
// which clients put into URLs and so into logs, reveals nothing (docs/decisions).
//
//	base64url( key id, 8 bytes | expiry, 8 bytes | kind, 1 byte | nonce | sealed secret \0 corpid )
type access struct {
	secret  string
	corpID  string // as the client gave it; "" for none
	expires time.Time
	session bool // of a browser; not valid for the APIs
}

// The errors of an access token: WeCom's 40014, 40001 and 42001.
var (
	errNoAccessToken = errors.New("not an access token")
	errTokenTooLong  = fmt.Errorf("the token has over %d bytes, which no access token holds; make a shorter one", maxSecretBytes)
	errAccessExpired = errors.New("access token expired, or its token is gone")
)

const (
	keyIDBytes      = 8
	accessHeadBytes = keyIDBytes + 8 + 1
	// maxSecretBytes keeps access tokens below 512 bytes, the size that clients must provide for (91039).
	maxSecretBytes = 200
	maxCorpIDBytes = 64
)

// spelling encodes access tokens. Each token has only one encoding, because the end of a session is recorded by
// its text; a decoder that is not strict would ignore line breaks.
var spelling = base64.RawURLEncoding.Strict()

// derive derives a key for one purpose from a token's hash.
func derive(token config.Token, purpose string) []byte {
	mac := hmac.New(sha256.New, token.SHA256[:])
	mac.Write([]byte("wecomq " + purpose))
	return mac.Sum(nil)
}

func keyID(token config.Token) []byte { return derive(token, "access token id")[:keyIDBytes] }

func sealer(token config.Token) (cipher.AEAD, error) {
	block, err := aes.NewCipher(derive(token, "access token key"))
	if err != nil {
		return nil, fmt.Errorf("seal access token: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("seal access token: %w", err)
	}
	return aead, nil
}

// sealAccess encodes an access token.
func sealAccess(token config.Token, a access) (string, error) {
	if len(a.secret) > maxSecretBytes {
		return "", errTokenTooLong
	}
	if len(a.corpID) > maxCorpIDBytes {
		return "", errNoAccessToken
	}
	aead, err := sealer(token)
	if err != nil {
		return "", err
	}
	head := binary.BigEndian.AppendUint64(keyID(token), uint64(a.expires.Unix())) //nolint:gosec // after 1970
	kind := byte('a')
	if a.session {
		kind = 's'
	}
	head = append(head, kind)
	return spelling.EncodeToString(aead.Seal(head, nil, []byte(a.secret+"\x00"+a.corpID), head)), nil //nolint:gosec // this AEAD generates its own nonce
}

// openAccess decodes an access token.
func (g *Gateway) openAccess(text string) (access, error) {
	raw, err := spelling.DecodeString(text)
	if err != nil || len(raw) <= accessHeadBytes || len(raw) > 512 || spelling.EncodeToString(raw) != text {
		return access{}, errNoAccessToken
	}
	head, sealed := raw[:accessHeadBytes], raw[accessHeadBytes:]
	for _, token := range g.settings.Load().Tokens {
		if subtle.ConstantTimeCompare(head[:keyIDBytes], keyID(token)) == 1 {
			return g.unseal(token, head, sealed)
		}
	}
	return access{}, errAccessExpired
}

func (g *Gateway) unseal(token config.Token, head, sealed []byte) (access, error) {
	aead, err := sealer(token)
	if err != nil {
		return access{}, err
	}
	plain, err := aead.Open(nil, nil, sealed, head)
	if err != nil {
		return access{}, errAccessExpired
	}
	secret, corpID, _ := strings.Cut(string(plain), "\x00")
	sum := sha256.Sum256([]byte(secret))
	a := access{
		secret: secret, corpID: corpID, session: head[accessHeadBytes-1] == 's',
		expires: time.Unix(int64(binary.BigEndian.Uint64(head[keyIDBytes:])), 0), //nolint:gosec // sealed by us
	}
	if subtle.ConstantTimeCompare(sum[:], token.SHA256[:]) != 1 || !g.now().Before(a.expires) {
		return access{}, errAccessExpired
	}
	return a, nil
}

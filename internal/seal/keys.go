package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

const (
	// keyBytes selects AES-256.
	keyBytes = 32
	// maxKeys is two: the newest key, and the previous one.
	maxKeys = 2
	// mark begins an encrypted value: mark, id of the key, colon, base64 of nonce and ciphertext. WeCom's tokens
	// have no colon.
	mark = "sealed:"
)

// encoding encodes nonce and ciphertext.
var encoding = base64.RawStdEncoding.Strict()

// The errors of [Keys.Open].
var (
	ErrUnknownKey = errors.New("sealed with a key that this process does not have")
	ErrAltered    = errors.New("sealed for another place, or altered")
)

// Keys encrypt with the newest key, and decrypt with any of them. nil has no keys: it leaves values unencrypted.
type Keys struct {
	keys []key // newest first
}

type key struct {
	id   string
	aead cipher.AEAD
}

// Parse parses one or two keys, the newest first, separated by white space: 32 random bytes each, in base64. Its
// errors show nothing of them.
func Parse(text string) (*Keys, error) {
	words := strings.Fields(text)
	switch {
	case len(words) == 0:
		return nil, fmt.Errorf("no key; make one with: openssl rand -base64 %d", keyBytes)
	case len(words) > maxKeys:
		return nil, fmt.Errorf("%d keys; want one, or the new one and after it the old one", len(words))
	}
	k := &Keys{}
	for i, word := range words {
		secret, err := base64.StdEncoding.DecodeString(word)
		switch {
		case err != nil:
			return nil, fmt.Errorf("key %d is not base64; make one with: openssl rand -base64 %d", i+1, keyBytes)
		case len(secret) != keyBytes:
			return nil, fmt.Errorf("key %d has %d bytes, not %d; make one with: openssl rand -base64 %d", i+1, len(secret), keyBytes, keyBytes)
		case len(bytes.Trim(secret, string(secret[:1]))) == 0:
			return nil, fmt.Errorf("key %d is one byte again and again; make one with: openssl rand -base64 %d", i+1, keyBytes)
		case i > 0 && word == words[0]:
			return nil, errors.New("the two keys are the same; keep one of them")
		}
		added, err := newKey(secret)
		if err != nil {
			return nil, err
		}
		k.keys = append(k.keys, added)
	}
	return k, nil
}

func newKey(secret []byte) (key, error) {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return key{}, fmt.Errorf("make a cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return key{}, fmt.Errorf("make a cipher: %w", err)
	}
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("wecomq key id"))
	return key{hex.EncodeToString(mac.Sum(nil)[:4]), aead}, nil
}

// Seal encrypts a value for one place, such as a key of Redis.
func (k *Keys) Seal(value, place string) string {
	if k == nil {
		return value
	}
	newest := k.keys[0]
	sealed := newest.aead.Seal(nil, nil, []byte(value), []byte(place)) //nolint:gosec // this AEAD generates its own nonce
	return mark + newest.id + ":" + encoding.EncodeToString(sealed)
}

// Open decrypts a value that was sealed for this place. An unencrypted value is returned unchanged: it was
// written before there was a key.
func (k *Keys) Open(value, place string) (string, error) {
	rest, sealed := strings.CutPrefix(value, mark)
	if !sealed {
		return value, nil
	}
	id, text, _ := strings.Cut(rest, ":")
	known, ok := k.find(id)
	if !ok {
		return "", ErrUnknownKey
	}
	data, err := encoding.DecodeString(text)
	if err != nil {
		return "", ErrAltered
	}
	plain, err := known.aead.Open(nil, nil, data, []byte(place))
	if err != nil {
		return "", ErrAltered
	}
	return string(plain), nil
}

func (k *Keys) find(id string) (key, bool) {
	if k != nil {
		for _, candidate := range k.keys {
			if candidate.id == id {
				return candidate, true
			}
		}
	}
	return key{}, false
}

// Equal reports whether both have the same keys, in the same order.
func (k *Keys) Equal(other *Keys) bool {
	return strings.Join(k.ids(), " ") == strings.Join(other.ids(), " ")
}

func (k *Keys) ids() []string {
	if k == nil {
		return nil
	}
	ids := make([]string, len(k.keys))
	for i, key := range k.keys {
		ids[i] = key.id
	}
	return ids
}

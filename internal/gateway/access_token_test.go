package gateway

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wecomq/wecomq/internal/config"
)

func TestTheHashOfATokenMakesNoAccessToken(t *testing.T) {
	t.Parallel()
	g := newFuzzGateway(t)
	token := g.settings.Load().Tokens[0]
	hash := token.SHA256
	for name, secret := range map[string]string{"nothing": "", "the hash itself": string(hash[:]), "a guess": "guess"} {
		forged, err := sealAccess(token, access{secret: secret, expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.openAccess(forged); !errors.Is(err, errAccessExpired) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAccessTokenCannotBeChanged(t *testing.T) {
	t.Parallel()
	g := newFuzzGateway(t)
	good, err := sealAccess(g.settings.Load().Tokens[0], access{secret: fuzzToken, corpID: "ww1", expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		changed := append([]byte{}, raw...)
		changed[i] ^= 1
		if _, err := g.openAccess(base64.RawURLEncoding.EncodeToString(changed)); err == nil {
			t.Errorf("with another byte %d it is still good", i)
		}
	}
	for _, other := range []string{good + "\n", good[:9] + "\r\n" + good[9:], good + "="} {
		if _, err := g.openAccess(other); err == nil {
			t.Errorf("%q is accepted as well", other)
		}
	}
	if a, err := g.openAccess(good); err != nil || a.secret != fuzzToken || a.corpID != "ww1" {
		t.Errorf("%+v, %v", a, err)
	}
	if strings.Contains(string(raw), fuzzToken) || strings.Contains(good, fuzzToken) {
		t.Error("the token can be read in it")
	}
}

func TestAnAccessTokenIsNeverTooLong(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s", maxSecretBytes)
	token := config.Token{SHA256: sha256.Sum256([]byte(secret))}
	longest, err := sealAccess(token, access{secret: secret, corpID: strings.Repeat("c", maxCorpIDBytes), expires: time.Now()})
	if err != nil || len(longest) > 512 {
		t.Errorf("%d bytes, %v", len(longest), err)
	}
	if _, err := sealAccess(token, access{secret: secret + "s"}); !errors.Is(err, errTokenTooLong) {
		t.Errorf("a longer secret: %v", err)
	}
}

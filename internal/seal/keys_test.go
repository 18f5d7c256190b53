package seal_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/seal"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
)

// keyOf is a key whose bytes begin with this one.
func keyOf(first byte) string {
	return base64.StdEncoding.EncodeToString(append([]byte{first}, bytes.Repeat([]byte{7}, 31)...))
}

func parse(tb testing.TB, text string) *seal.Keys {
	tb.Helper()
	k, err := seal.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestWhatIsSealedIsOpenedWithItsKeyAndInItsPlace(t *testing.T) {
	t.Parallel()
	before, now, both := parse(t, keyOf(1)), parse(t, keyOf(2)+"\n"), parse(t, keyOf(2)+"\n"+keyOf(1)+"\n")
	const token, place = "an-access-token", "wecomq:{ops}:token:1"
	sealed := before.Seal(token, place)
	if strings.Contains(sealed, token) || sealed == before.Seal(token, place) {
		t.Errorf("%s shows the token, or is the same a second time", sealed)
	}
	flipped := []byte(sealed)
	flipped[len(flipped)-3] ^= 1
	for name, tc := range map[string]struct {
		keys         *seal.Keys
		value, place string
		err          error
	}{
		"its own key":             {keys: before, value: sealed, place: place},
		"a newer one in front":    {keys: both, value: sealed, place: place},
		"what the newest sealed":  {keys: now, value: both.Seal(token, place), place: place},
		"in clear, with a key":    {keys: both, value: token, place: place},
		"in clear, without a key": {value: token, place: place},
		"without a key":           {value: sealed, place: place, err: seal.ErrUnknownKey},
		"only the newer key":      {keys: now, value: sealed, place: place, err: seal.ErrUnknownKey},
		"another place":           {keys: before, value: sealed, place: "wecomq:{hr}:token:1", err: seal.ErrAltered},
		"one bit":                 {keys: before, value: string(flipped), place: place, err: seal.ErrAltered},
		"cut off":                 {keys: before, value: sealed[:20], place: place, err: seal.ErrAltered},
		"no base64":               {keys: before, value: sealed + "=", place: place, err: seal.ErrAltered},
		"no key's id":             {keys: before, value: "sealed:", place: place, err: seal.ErrUnknownKey},
	} {
		got, err := tc.keys.Open(tc.value, tc.place)
		if !errors.Is(err, tc.err) || err == nil && got != token {
			t.Errorf("%s: %q, %v; want %v", name, got, err, tc.err)
		}
	}
	if (*seal.Keys)(nil).Seal(token, place) != token {
		t.Error("a value is sealed without a key")
	}
	if before.Equal(both) || !both.Equal(parse(t, keyOf(2)+" "+keyOf(1))) || before.Equal(nil) {
		t.Error("keys are told apart wrongly")
	}
}

func TestAnErrorShowsNothingOfAKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                        "no key; make one",
		"s3cretPassphrase":        "key 1 has 12 bytes, not 32",
		"s3cret-passphrase":       "key 1 is not base64",
		keyOf(1) + " s3cret":      "key 2 is not base64",
		keyOf(1) + " " + keyOf(1): "the two keys are the same",
		keyOf(1) + " " + keyOf(2) + " " + keyOf(3):          "3 keys",
		base64.StdEncoding.EncodeToString(make([]byte, 32)): "key 1 is one byte again and again",
	} {
		_, err := seal.Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
			continue
		}
		for word := range strings.FieldsSeq(text) {
			if strings.Contains(err.Error(), word[:4]) {
				t.Errorf("%v shows %s", err, word)
			}
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", parse(t, keyOf(1)), struct{ K *seal.Keys }{parse(t, keyOf(1))}, parse(t, keyOf(1))); strings.Contains(text, "7, 7") || strings.Contains(text, "7 7") {
		t.Errorf("keys are printed: %s", text)
	}
}

// FuzzOpen proves that only sealed values are opened.
func FuzzOpen(f *testing.F) {
	const token = "an-access-token"
	k := parse(f, keyOf(1))
	f.Add(k.Seal(token, "here"))
	f.Add(k.Seal(token, "elsewhere"))
	f.Add(token)
	f.Add("sealed:" + strings.Repeat(":", 9))
	f.Fuzz(func(t *testing.T, value string) {
		plain, err := k.Open(value, "here")
		if isSealed := strings.HasPrefix(value, "sealed:"); err == nil && plain != value && (plain != token || !isSealed) {
			t.Errorf("%q is opened as %q", value, plain)
		}
	})
}

// payload is the payload of a message of some 500 bytes.
func payload() []byte {
	const id = "ops-01JD5K3V8N0000000000000000"
	return tasks.Encode(tasks.Payload{
		ID: id, App: "ops", Priority: tasks.Critical, Type: message.TypeText,
		Body: []byte(`{"touser":"zhangsan","msgtype":"text","text":{"content":"` + strings.Repeat("磁盘已满 ", 25) + `"}}`),
	})
}

// The cost of sealing whole payloads, compared with that of reading them: see
// docs/decisions/025-tokens-are-sealed-texts-are-not.md.
func BenchmarkPayload(b *testing.B) {
	k, data := parse(b, keyOf(1)), payload()
	sealed := k.Seal(string(data), "here")
	b.SetBytes(int64(len(data)))
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			k.Seal(string(data), "here")
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			_, _ = k.Open(sealed, "here")
		}
	})
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			payload()
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			_, _ = tasks.Decode(tasks.TypeName(message.TypeText), data)
		}
	})
}

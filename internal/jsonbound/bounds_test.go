package jsonbound_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/jsonbound"
)

var bounds = jsonbound.Bounds{Depth: 4, Outer: 3, Members: 3, Elements: 5, IDs: []string{"touser"}, MaxIDs: 2}

func TestWhatIsOutOfBoundsIsNamed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":                      {``, ""},
		"no JSON":                      {`{"a":`, ""},
		"what follows":                 {`{} {}`, ""},
		"as much as may be":            {`{"touser":"a|b","a":[1,2,3,4,[[]]],"b":{"a":1,"b":2,"c":3}}`, ""},
		"an object of many members":    {`{"a":1,"b":1,"a":1,"d":1}`, "over 3 members"},
		"one inside":                   {`{"a":[0,{"b":{"a":1,"b":1,"c":1,"d":1}}]}`, "a[1].b: over 3 members"},
		"an array of many elements":    {`{"a":[1,2,3,4,5,6]}`, "a: over 5 elements"},
		"arrays within each other":     {`[[[[[`, "[0][0][0]: over 4 objects and arrays within each other"},
		"many ids":                     {`{"touser":"a|b|c"}`, "touser: over 2 ids"},
		"many ids, escaped":            {`{"touser":"a|b\u007cc"}`, "touser: over 2 ids"},
		"a member of that name inside": {`{"a":{"touser":"a|b|c"}}`, ""},
		"a value of that name":         {`{"a":"touser","b":"a|b|c"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bounds.Check([]byte(tt.text))
			if got := text(err); got != tt.want {
				t.Errorf("Check(%s) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestATextHasFewerValuesThanBytes(t *testing.T) {
	t.Parallel()
	wide := jsonbound.Bounds{Depth: 4, Outer: 1 << 30, Members: 1 << 30, Elements: 1 << 30}
	for name, tt := range map[string]struct {
		text string
		over bool
	}{
		"twenty thousand small ones": {`[` + strings.Repeat(`0,`, 19_994) + `0]`, false},
		"one more":                   {`[` + strings.Repeat(`0,`, 19_995) + `0]`, true},
		"many of a common size":      {`[` + strings.Repeat(`"zhangsan",`, 9999) + `"zhangsan"]`, false},
		"many small ones":            {`[` + strings.Repeat(`{},`, 99999) + `{}]`, true},
		"after a text that is long":  {`["` + strings.Repeat("x", 1<<20) + `"` + strings.Repeat(`,0`, 90000) + `]`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decoded, err := wide.Check([]byte(tt.text))
			if _, over := errors.AsType[*jsonbound.Error](err); over != tt.over {
				t.Errorf("%d bytes: %v", len(tt.text), err)
			}
			if err == nil && decoded > 5*int64(len(tt.text))+1<<20 {
				t.Errorf("%d bytes are decoded to %d", len(tt.text), decoded)
			}
		})
	}
}

func TestBoundsCanSayHowManyValues(t *testing.T) {
	t.Parallel()
	few := jsonbound.Bounds{Depth: 4, Outer: 100, Members: 100, Elements: 100, Values: 10, ValueBytes: 1000}
	if decoded, err := few.Check([]byte(`[1,2,3,4,5]`)); err != nil || decoded != 10_000 {
		t.Errorf("Check = %d, %v", decoded, err)
	}
	if _, err := few.Check([]byte(`[1,2,3,4,5,6]`)); text(err) == "" {
		t.Error("one value more is within bounds")
	}
}

func BenchmarkCheck(b *testing.B) {
	data := []byte(`{"alerts":[` + strings.Repeat(`{"status":"firing","labels":{"alertname":"DiskFull","instance":"db-3.example.com:9100"},"startsAt":"2026-11-29T00:25:03.000Z"},`, 9999) + `{}]}`)
	wide := jsonbound.Bounds{Depth: 8, Outer: 100, Members: 100, Elements: 10_000}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wide.Check(data); err != nil {
			b.Fatal(err)
		}
	}
}

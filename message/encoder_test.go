package message_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/samples"
	"github.com/wecomq/wecomq/message"
)

func TestTheWireBytesOfEveryTypeAreTheGoldenOnes(t *testing.T) {
	t.Parallel()
	covered := map[message.Type]bool{}
	for _, sample := range samples.Messages() {
		request := parse(t, sample)
		request.Common().AgentID = "1000012"
		name := string(request.Type())
		if card, ok := request.(message.SendTemplateCardRequest); ok {
			name += "." + string(card.TemplateCard.CardType)
		}
		covered[request.Type()] = true
		golden(t, name, encode(t, request))
	}
	for _, kind := range message.Types() {
		if !covered[kind] {
			t.Errorf("no sample of type %s", kind)
		}
	}
}

// Every member has its documented name, and an empty one is left out unless
// WeCom needs it. Each type gives three lines: without any block, with all
// members set, and with all blocks there but empty.
func TestEveryMemberOnTheWireIsTheGoldenOne(t *testing.T) {
	t.Parallel()
	var lines []string
	for _, kind := range message.Types() {
		bare := parse(t, `{"msgtype":"`+string(kind)+`"}`)
		lines = append(lines, encode(t, bare))
		for _, full := range []bool{true, false} {
			request := reflect.New(reflect.TypeOf(bare))
			fill(request, full)
			request.Elem().FieldByName("MsgType").SetString("")
			lines = append(lines, encode(t, request.Interface()))
		}
	}
	golden(t, "members", strings.Join(lines, "\n"))
}

// fill makes every block and one item of every list below v and, if full, gives
// every member a value.
func fill(v reflect.Value, full bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fill(v.Elem(), full)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, full)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), full)
	case reflect.String:
		v.SetString(map[bool]string{true: "1"}[full])
	case reflect.Int:
		v.SetInt(map[bool]int64{true: 1}[full])
	case reflect.Float64:
		v.SetFloat(map[bool]float64{true: 1.5}[full])
	default:
		v.SetBool(full)
	}
}

func TestSamplesParseValidateAndKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	for _, sample := range samples.Messages() {
		request := parse(t, sample)
		if err := message.Validate(request); err != nil {
			t.Errorf("validate %s: %v", sample, err)
		}
		if diff := cmp.Diff(meaning(t, sample), meaning(t, encode(t, request))); diff != "" {
			t.Errorf("%s changed (-sample +encoded):\n%s", request.Type(), diff)
		}
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	common := &message.SendRequestCommon{ToUser: "a", AgentID: "7"}
	tests := []struct {
		name    string
		request any
		want    string
	}{
		{
			"fills in the msgtype and leaves room for the agentid", text("hi"),
			`{"touser":"chen.li","msgtype":"text","agentid":"","text":{"content":"hi"}}`,
		},
		{
			"writes an agentid of digits as a number",
			message.SendImageRequest{SendRequestCommon: common, Image: message.ImageField{MediaID: "m"}},
			`{"touser":"a","msgtype":"image","agentid":7,"image":{"media_id":"m"}}`,
		},
		{
			"takes a pointer", &message.SendVoiceRequest{SendRequestCommon: common, Voice: message.VoiceField{MediaID: "m"}},
			`{"touser":"a","msgtype":"voice","agentid":7,"voice":{"media_id":"m"}}`,
		},
		{
			"leaves an agentid a string that no number can hold",
			map[string]any{"agentid": "007"},
			`{"agentid":"007"}`,
		},
		{
			"does not escape HTML or line separators", text("<a href=\"x?a&b\">\u2028\u2029 \\u2028 \x01"),
			`{"touser":"chen.li","msgtype":"text","agentid":"","text":{"content":"<a href=\"x?a&b\">` +
				"\u2028\u2029" + ` \\u2028 \u0001"}}`,
		},
		{
			"keeps a replacement character that is meant", text("\uFFFD"),
			`{"touser":"chen.li","msgtype":"text","agentid":"","text":{"content":"` + "\uFFFD" + `"}}`,
		},
		{"takes any JSON object", json.RawMessage(`{ "z":1, "agentid":"42" }`), `{"z":1,"agentid":42}`},
		{"sorts maps", map[string]any{"b": 1, "a": "<"}, `{"a":"<","b":1}`},
		{
			"keeps the members that a caller's type adds",
			extended{text("hi"), 3},
			`{"touser":"chen.li","toparty":"","totag":"","msgtype":"","agentid":"","safe":0,"enable_id_trans":0,` +
				`"enable_duplicate_check":0,"duplicate_check_interval":0,"text":{"content":"hi"},"extra":3}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, encode(t, tt.request)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

type extended struct {
	message.SendTextRequest
	Extra int `json:"extra"`
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	contradiction := text("hi")
	contradiction.MsgType = "image"
	tests := []struct {
		name    string
		request any
		want    string
	}{
		{"nothing", nil, "message: the request is nil"},
		{"a nil pointer", (*message.SendTextRequest)(nil), "message: the request (*message.SendTextRequest) is nil"},
		{
			"a request without its common part",
			message.SendTextRequest{},
			"message: message.SendTextRequest has a nil SendRequestCommon, which says who gets the message",
		},
		{
			"a contradicting msgtype", contradiction,
			`msgtype: "image" contradicts the request, which is "text"; leave it empty`,
		},
		{"what is no object", []int{1}, "encode message: []int does not marshal to a JSON object"},
		{"what cannot be marshalled", func() {}, "encode message: json: unsupported type: func()"},
		{"raw JSON that is not UTF-8", json.RawMessage("{\"a\":\"\xff\"}"), "encode message: the JSON is not UTF-8"},
		{
			"a text that is not UTF-8", text("ab\xff"),
			"encode message: text.content: not UTF-8 from byte 2 on; convert the text before sending it",
		},
		{
			"a caller's text that is not UTF-8",
			map[string]any{"list": []string{"ok", "\xe4\xbd"}},
			"encode message: list[1]: not UTF-8 from byte 0 on; convert the text before sending it",
		},
		{
			"a bad byte behind a replacement character that is meant", text("\uFFFDok\xff"),
			"encode message: text.content: not UTF-8 from byte 5 on; convert the text before sending it",
		},
		{
			"a bad text deep in a caller's maps",
			map[string]any{"alert": map[string]any{"labels": map[string]string{"host": "db\xff"}}},
			"encode message: alert.labels.host: not UTF-8 from byte 2 on; convert the text before sending it",
		},
		{
			"a caller's field that has no name for JSON",
			struct{ Text string }{"\xff"},
			"encode message: Text: not UTF-8 from byte 0 on; convert the text before sending it",
		},
		{
			"a bad text behind good labels and behind bytes, which become base64",
			struct {
				Labels map[string]string `json:"labels"`
				Lines  []string          `json:"lines"`
				Data   []byte            `json:"data"`
				Text   string            `json:"text"`
			}{Labels: map[string]string{"host": "db"}, Lines: []string{"ok"}, Data: []byte{0xff}, Text: "\xff"},
			"encode message: text: not UTF-8 from byte 0 on; convert the text before sending it",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body, err := message.Encode(tt.request)
			if err == nil {
				t.Fatalf("no error; encoded %s", body)
			}
			if err.Error() != tt.want {
				t.Errorf("error\n got %s\nwant %s", err, tt.want)
			}
		})
	}
}

func TestEncodeLeavesTheRequestAsItIs(t *testing.T) {
	t.Parallel()
	request := text("hi")
	before := *request.SendRequestCommon
	encode(t, request)
	if diff := cmp.Diff(before, *request.SendRequestCommon); diff != "" {
		t.Errorf("changed (-before +after):\n%s", diff)
	}
}

func TestBigMessagesSurviveTheBufferPool(t *testing.T) {
	t.Parallel()
	for range 3 {
		for _, size := range []int{10, 200_000, 10} {
			body := encode(t, text(strings.Repeat("#", size)))
			if n := strings.Count(body, "#"); n != size {
				t.Errorf("%d of %d characters in the body", n, size)
			}
		}
	}
}

func TestABadStringIsAValidationError(t *testing.T) {
	t.Parallel()
	_, err := message.Encode(text("\xff"))
	var invalid *message.ValidationError
	if !errors.As(err, &invalid) || invalid.Fields[0].Field != "text.content" {
		t.Errorf("got %v, want a ValidationError of text.content", err)
	}
}

func BenchmarkEncode(b *testing.B) {
	request := text(strings.Repeat("告警 CPU 95% ", 20))
	request.AgentID = "1000012"
	b.ReportAllocs()
	for b.Loop() {
		encode(b, request)
	}
}

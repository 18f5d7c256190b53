package pages_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wecomq/wecomq/internal/daemon"
	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/wecom"
)

// submit sends the form of a new broadcast; list is the file, or pasted.
func (w *browser) submit(file bool, list string, fields ...string) answer {
	w.Helper()
	if file {
		return w.submitLists("", "list.csv", list, fields...)
	}
	return w.submitLists(list, "", "", fields...)
}

// submitLists sends the form with both lists: if no file is chosen, a browser sends one without a name. The
// field upload is a file, too, plan.png unless "upload:" names another.
func (w *browser) submitLists(pasted, name, list string, fields ...string) answer {
	w.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file := func(field, name, content string) {
		part, err := form.CreateFormFile(field, name)
		if err != nil {
			w.Fatal(err)
		}
		_, _ = part.Write([]byte(content))
	}
	for i := 0; i+1 < len(fields); i += 2 {
		field, name, named := strings.Cut(fields[i], ":")
		switch {
		case named:
			file(field, name, fields[i+1])
		case field == "upload":
			file(field, "plan.png", fields[i+1])
		default:
			_ = form.WriteField(field, fields[i+1])
		}
	}
	_ = form.WriteField("pasted", pasted)
	file("file", name, list)
	_ = form.Close()
	return w.do(http.MethodPost, "/broadcasts/new", body.Bytes(), []string{
		"Content-Type", form.FormDataContentType(), "Sec-Fetch-Site", "same-origin", "Origin", w.url,
	})
}

// fieldsOf returns the values of these fields of a form.
func fieldsOf(page string, names ...string) (fields []string) {
	for _, name := range names {
		value := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
		if value != nil {
			fields = append(fields, name, value[1])
		}
	}
	return fields
}

func TestAFormHasAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	w := setup(t).open(operator)
	one, other := w.get("/broadcasts/new?lang=zh").location(), w.get("/broadcasts/new").location()
	if one == other {
		t.Errorf("two forms are %s", one)
	}
	key := fieldsOf(w.get(other).body, "key")
	w.want(w.get(one), http.StatusOK, "新建群发", "not "+key[1])
	w.want(w.get(other), http.StatusOK, key[1])
}

func TestWhatWasSentIsNotOfferedAgain(t *testing.T) {
	t.Parallel()
	w := setup(t).open(operator)
	form := func(content string) []string {
		return []string{"key", "k", "app", "ops", "type", "text", "content", content}
	}
	sent := map[string]string{}
	for _, content := range []string{"hello", "good morning"} {
		a := w.submit(false, "u1\nu2\n", form(content)...)
		w.want(a, http.StatusOK, "Send to 2 people")
		start := startForm.FindStringSubmatch(a.body)
		if first := sent["hello"]; first != "" {
			w.want(a, http.StatusOK, "was sent before with other content", `href="`+first+`"`)
		}
		w.post(start[1]+"/start", "digest", start[2])
		sent[content] = start[1]
	}
	if sent["hello"] == sent["good morning"] {
		t.Fatalf("both are %s", sent["hello"])
	}
	for content, path := range sent { // as after going back in the browser
		w.want(w.submit(false, "u1\nu2\n", form(content)...), http.StatusOK, "This has been sent already", `href="`+path+`"`, "not Send to", "not id=\"checked\"")
	}
	other := append([]string{"key", "new"}, form("hello")[2:]...)
	w.want(w.submit(false, "u1\nu2\n", other...), http.StatusOK, "Send to 2 people", "not been sent")
}

func TestAButtonOfAnotherCheckSendsNothing(t *testing.T) {
	t.Parallel()
	w := setup(t).open(operator)
	form := []string{"key", "k", "app", "ops", "type", "text", "content", "hello"}
	stale := startForm.FindStringSubmatch(w.submit(false, "u1\nu2\n", form...).body)
	fresh := startForm.FindStringSubmatch(w.submit(false, "u1\n", form...).body)
	w.post(fresh[1]+"/start", "digest", fresh[2])
	w.want(w.post(stale[1]+"/start", "digest", stale[2]), http.StatusConflict, "Another check of this form has been sent", `href="`+fresh[1]+`"`)
	if a := w.post(fresh[1]+"/start", "digest", fresh[2]); a.location() != fresh[1]+"?done=created" {
		t.Errorf("pressed twice: HTTP %d to %q", a.status, a.location())
	}
}

func TestTwoListsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(operator)
	form := []string{"key", "k", "app", "ops", "type", "text", "content", "hello"}
	const two = "list: given twice; clear the text or choose no file"
	w.want(w.submitLists("u1\n", "list.csv", "u2\n", form...), http.StatusUnprocessableEntity, two, "u1\n</textarea>", "not Send to")
	w.want(w.submitLists("wrong user\n", "list.csv", "u2\n", form...), http.StatusUnprocessableEntity, two, "not cannot be sent to")
	w.want(w.submitLists("u1\n", "empty.csv", "", form...), http.StatusUnprocessableEntity, two)
	w.want(w.submitLists("", "empty.csv", "", form...), http.StatusUnprocessableEntity, "it is empty")
	w.want(w.submitLists("", "list.csv", "u2\n", form...), http.StatusOK, "Send to 1 people")
	prepared := redistest.Keys(t, b.Redis, "*B*")
	if n := len(prepared); n == 0 || n > 2 { // of the last check, with its list
		t.Errorf("stored: %q", prepared)
	}
}

func TestARefusedFileLeavesNone(t *testing.T) {
	t.Parallel()
	const picture = "\x89PNG\r\n\x1a\n and the rest"
	for name, tc := range map[string]struct {
		upload, content string
		says            []string
	}{
		"of another type": {"upload:plan.pdf", "%PDF-1.7", []string{"The picture was refused", "at most 10 MB", "by its first bytes"}},
		"empty":           {"upload:plan.png", "", []string{"The picture was refused", "the file is empty"}},
		"too large": {
			"upload:plan.png", picture + strings.Repeat("x", wecom.MaxImageBytes),
			[]string{"The picture was refused", "at most 10 MB", fmt.Sprintf("%d bytes", len(picture)+wecom.MaxImageBytes)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t).open(operator)
			form := []string{"key", "k", "app", "ops", "type", "image"}
			a := w.submit(false, "u1\n", append(form, "upload", picture)...)
			kept := fieldsOf(a.body, "media", "media_type")
			w.want(a, http.StatusOK, "The file of the last check is kept")
			w.want(w.submit(false, "u1\n", append(append(form, kept...), "upload:", "")...), http.StatusOK, "Send to 1 people")
			a = w.submit(false, "u1\n", append(append(form, kept...), tc.upload, tc.content)...)
			w.want(a, http.StatusUnprocessableEntity, append(tc.says, "not is kept", "not Send to", `name="media" value=""`)...)
			w.want(w.submit(false, "u1\n", append(form, fieldsOf(a.body, "media", "media_type")...)...), http.StatusUnprocessableEntity, "file: missing")
		})
	}
}

func TestAKeptFileIsOfItsTypeAndApp(t *testing.T) {
	t.Parallel()
	w := setup(t).open(operator)
	form := func(app, kind string, more ...string) []string {
		return append([]string{"key", "k", "app", app, "type", kind}, more...)
	}
	a := w.submit(false, "u1\n", form("ops", "image", "upload", "\x89PNG\r\n\x1a\n and the rest")...)
	w.want(a, http.StatusOK, `<label class="for-image"><span`)
	kept := fieldsOf(a.body, "media", "media_type")
	w.want(w.submit(false, "u1\n", form("ops", "video", kept...)...), http.StatusUnprocessableEntity, "file: missing", `<label class="for-image"><span`)
	w.want(w.submit(false, "u1\n", form("ops", "image", kept...)...), http.StatusOK, "Send to 1 people")
	w.want(w.submit(false, "u1\n", form("hr", "image", kept...)...), http.StatusUnprocessableEntity, "choose it again", "not is kept;")
}

func TestABroadcastThatCannotBeStartedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(operator)
	for _, tc := range []struct {
		key, says, inChinese string
		lose                 func(app, id string) string
	}{
		{key: "a part is lost", says: "Redis lost part of it, and nothing was sent; check it again", inChinese: "Redis 丢失了部分内容", lose: keys.BroadcastBlocks},
		{key: "an hour has passed", says: "The check is more than an hour old; check it again", inChinese: "检查已超过一小时", lose: keys.Broadcast},
	} {
		start := startForm.FindStringSubmatch(w.submit(false, "u1\n", "key", tc.key, "app", "ops", "type", "text", "content", "hello").body)
		b.Redis.Del(t.Context(), tc.lose("ops", strings.TrimPrefix(start[1], "/broadcasts/")))
		w.want(w.post(start[1]+"/start", "digest", start[2]), http.StatusConflict, tc.says, "not Redis did not answer")
		w.want(b.open(operator).post(start[1]+"/start?lang=zh", "digest", start[2]), http.StatusConflict, tc.inChinese)
	}
}

func TestTheFormKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	w := setup(t).open(operator)
	form := func(content string) []string {
		return []string{"key", "k", "app", "ops", "type", "text", "content", content}
	}
	a := w.submit(false, "\nuserid\nu1\n", form("\r\nhello")...) // HTML drops the first line break of a textarea
	w.want(a, http.StatusOK, "Send to 1 people", ">\n\nhello</textarea>", ">\n\nuserid\nu1\n</textarea>")
	long := "the beginning" + strings.Repeat("x", 70_000)
	w.want(w.submit(false, "u1\n", form(long)...), http.StatusUnprocessableEntity,
		"content: it has 70013 bytes, at most 65536 fit, and only those are shown; shorten it", ">\n"+long[:65536]+"</textarea>", "u1\n</textarea>")
}

func TestTheNameOfAFileIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.open(operator)
	const name = "a{{b}}{{{`c.pdf"
	a := w.submit(false, "u1\n", "key", "k", "app", "ops", "type", "file", "upload:"+name, "a plan")
	w.want(a, http.StatusOK, `/file" download>`+name+"</a>", "/"+name+`"><input type="hidden" name="media_type"`)
	start := startForm.FindStringSubmatch(a.body)
	if got := w.get(start[1] + "/file"); !strings.Contains(got.header.Get("Content-Disposition"), name) {
		t.Errorf("it is downloaded as %s", got.header.Get("Content-Disposition"))
	}
}

func TestRarelyUsedFields(t *testing.T) {
	t.Parallel()
	w := setup(t).open(operator)
	form := func(more ...string) []string {
		return append([]string{"key", "k", "app", "ops", "type", "text", "content", "hello"}, more...)
	}
	w.want(w.submit(false, "userid\nu1\n", form("expires_in", "48h", "header", "no")...), http.StatusOK,
		"Send to 2 people", "2 d after its start", "<details open>", `name="expires_in" value="48h"`, `value="no" selected`)
	w.want(w.submit(false, "\xc4\xe3\xba\xc3,u1\n", form("encoding", "utf-8")...), http.StatusUnprocessableEntity, `value="utf-8" selected`)
	w.want(w.submit(true, "userid,name\nu1,\xc4\xe3\n", form("encoding", "gb18030", "header", "yes")...), http.StatusOK, "1 rows, gb18030", "Send to 1 people")
	for field, value := range map[string]string{"expires_in": "soon", "header": "maybe", "encoding": "klingon"} {
		w.want(w.submit(false, "u1\n", form(field, value)...), http.StatusUnprocessableEntity, value, "<details open>", "not Send to")
	}
	w.want(w.submit(false, "u1\n", form("header", "auto")...), http.StatusOK, "<details>")
}

func TestWhoeverHasCheckedItSeesItFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, stop := b.Start(daemon.Config{Worker: true})
	t.Cleanup(stop)
	w, other := b.open(operator), b.open(admin)
	a := w.submit(false, "userid,name\nanna,Anna\nbert,Bert\n", "key", "k", "app", "ops", "type", "text", "content", "hello {{.name}}")
	form := startForm.FindStringSubmatch(a.body)
	path := form[1]
	w.want(a, http.StatusOK, `action="`+path+`/test"`)
	if a := w.post(path+"/test", "to", "tester"); a.location() != path+"?done=tested" {
		t.Fatalf("HTTP %d to %q: %s", a.status, a.location(), a.body)
	}
	for _, m := range b.WeCom.Messages() {
		if !slices.Equal(m.To, []string{"tester"}) {
			t.Errorf("%q went to %s", m.Text, m.To)
		}
	}
	if n := len(b.WeCom.Messages()); n != 2 {
		t.Errorf("WeCom has got %d messages, want 2", n)
	}
	w.want(w.get(path+"?done=tested"), http.StatusOK, `class="notice"`, "It is checked and", "Send to 2 people", form[2])
	other.want(other.get(path), http.StatusOK, "It is checked and", "not Send to 2 people", "not /test\"")
	other.want(other.post(path+"/test", "to", "tester"), http.StatusForbidden)
	w.want(w.post(path+"/test", "to", "@all"), http.StatusConflict, "The test was refused", "test_to: ", `href="`+path+`"`)
	w.want(w.post(path+"/test?lang=zh", "to", "stranger"), http.StatusConflict, "测试未通过", "test message 1 of 2")
	w.post(path+"/start", "digest", form[2])
	w.want(w.post(path+"/test", "to", "tester"), http.StatusConflict, "现在无法执行此操作")
}

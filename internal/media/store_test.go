package media_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/internal/media"
	"github.com/wecomq/wecomq/internal/redistest"
	"github.com/wecomq/wecomq/message"
	"github.com/wecomq/wecomq/tasks"
	"github.com/wecomq/wecomq/wecom"
)

var picture = []byte("\x89PNG\r\n\x1a\n and the rest")

// wecomStub is a media/upload that counts its calls.
type wecomStub struct {
	calls, inside, most atomic.Int32
	names               sync.Map
	during              func(ctx context.Context) error // nil: it succeeds at once
}

func (w *wecomStub) UploadMedia(ctx context.Context, kind wecom.MediaType, name string, _ []byte) (*wecom.Media, error) {
	inside := w.inside.Add(1)
	defer w.inside.Add(-1)
	for most := w.most.Load(); inside > most && !w.most.CompareAndSwap(most, inside); most = w.most.Load() {
	}
	n := w.calls.Add(1)
	w.names.Store(name, kind)
	if w.during != nil {
		if err := w.during(ctx); err != nil {
			return nil, err
		}
	}
	return &wecom.Media{Type: kind, ID: fmt.Sprintf("media-%d", n), CreatedAt: time.Now()}, nil
}

func newStore(rdb redis.UniversalClient, w *wecomStub) *media.Store {
	return media.New(rdb, media.Config{App: "ops", Uploader: w, TTL: time.Hour})
}

func keep(t *testing.T, s *media.Store, kind wecom.MediaType, name string, content []byte) message.MediaRef {
	t.Helper()
	ref, err := s.Keep(t.Context(), kind, name, content)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func ensure(t *testing.T, s *media.Store, want string, refs ...message.MediaRef) {
	t.Helper()
	ids, err := s.Ensure(t.Context(), refs)
	if got := strings.Join(ids, " "); err != nil || got != want {
		t.Errorf("media_ids %q, error %v; want %q", got, err, want)
	}
}

func TestManyProcessesUploadAFileOnce(t *testing.T) {
	t.Parallel()
	rdb, w := redistest.New(t), &wecomStub{}
	ref := keep(t, newStore(rdb, w), wecom.MediaImage, "", picture)
	var wg sync.WaitGroup
	for range 10 {
		store := newStore(rdb, w) // each process has its own
		for range 3 {
			wg.Go(func() { ensure(t, store, "media-1", ref) })
		}
	}
	wg.Wait()
	if calls := w.calls.Load(); calls != 1 {
		t.Errorf("it was uploaded %d times, want once", calls)
	}
}

func TestAnotherTypeOrNameIsAnotherUpload(t *testing.T) {
	t.Parallel()
	w := &wecomStub{}
	s := newStore(redistest.New(t), w)
	image := keep(t, s, wecom.MediaImage, "chart.png", picture)
	file := keep(t, s, wecom.MediaFile, "a.png", picture)
	renamed := keep(t, s, wecom.MediaFile, "b.png", picture)
	ensure(t, s, "media-1 media-2 media-3", image, file, renamed)
	ensure(t, s, "media-3 media-1", renamed, image)
	for name, kind := range map[string]wecom.MediaType{"image.png": "image", "a.png": "file", "b.png": "file"} {
		if got, _ := w.names.Load(name); got != kind {
			t.Errorf("%s was uploaded as %v, want %s", name, got, kind)
		}
	}
}

func TestARefusedMediaIDIsRenewedOnce(t *testing.T) {
	t.Parallel()
	rdb, w := redistest.New(t), &wecomStub{}
	s := newStore(rdb, w)
	ref := keep(t, s, wecom.MediaImage, "", picture)
	ensure(t, s, "media-1", ref)
	var wg sync.WaitGroup
	for i := range 10 {
		store := newStore(rdb, w)
		wg.Go(func() {
			ids, err := store.Renew(t.Context(), fmt.Sprint("ops-", i), []message.MediaRef{ref}, []string{"media-1"})
			if err != nil || ids[0] != "media-2" {
				t.Errorf("media_ids %q, error %v; want media-2", ids, err)
			}
		})
	}
	wg.Wait()
	ensure(t, s, "media-2", ref)
	if calls := w.calls.Load(); calls != 2 {
		t.Errorf("it was uploaded %d times, want twice", calls)
	}
}

func TestAllAttemptsOfAMessagePostTheSameMediaIDs(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	s := newStore(rdb, &wecomStub{})
	freeze := func(id string, want string, ids ...string) {
		t.Helper()
		if frozen, err := s.Freeze(t.Context(), id, ids); err != nil || strings.Join(frozen, " ") != want {
			t.Errorf("media_ids %q, error %v; want %q", frozen, err, want)
		}
	}
	record := keys.Record("ops", "ops-1")
	freeze("ops-1", "a b", "a", "b")
	if n := rdb.Exists(t.Context(), record).Val(); n != 0 {
		t.Fatal("a record was made")
	}
	if err := rdb.HSet(t.Context(), record, "state", "sending").Err(); err != nil {
		t.Fatal(err)
	}
	freeze("ops-1", "a b", "a", "b")
	freeze("ops-1", "a b", "c", "d")
	ref := keep(t, s, wecom.MediaImage, "", picture)
	for _, refused := range []string{"another", "a b"} { // the message posts only the second
		if _, err := s.Renew(t.Context(), "ops-1", []message.MediaRef{ref}, []string{refused}); err != nil {
			t.Fatal(err)
		}
	}
	freeze("ops-1", "media-1", "c")
}

func TestAFailedUploadIsNotRepeatedByEverybody(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err   error
		class wecom.Class
		calls int32 // of three attempts
	}{
		"WeCom does not take the file": {&wecom.Error{API: wecom.APIMediaUpload, Code: 40004, Msg: "no"}, wecom.ClassContent, 1},
		"WeCom does not answer":        {&wecom.CallError{API: wecom.APIMediaUpload, Status: 502, Sent: true, Err: errors.New("HTTP 502")}, wecom.ClassUnreachable, 1},
		"too many uploads":             {&wecom.Error{API: wecom.APIMediaUpload, Code: 45009}, wecom.ClassRate, 1},
		"our Redis was away":           {&wecom.UnsentError{Err: errors.New("away")}, wecom.ClassTransient, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb, w := redistest.New(t), &wecomStub{during: func(context.Context) error { return tc.err }}
			ref := keep(t, newStore(rdb, w), wecom.MediaImage, "", picture)
			for range 3 {
				_, err := newStore(rdb, w).Ensure(t.Context(), []message.MediaRef{ref})
				if class := wecom.ClassOf(err); err == nil || class != tc.class {
					t.Errorf("error %v of class %s, want %s", err, class, tc.class)
				}
			}
			if calls := w.calls.Load(); calls != tc.calls {
				t.Errorf("it was uploaded %d times, want %d", calls, tc.calls)
			}
		})
	}
}

func TestADeathBetweenUploadAndCachingIsHarmless(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.AppendOnly)
	rdb, w := server.Client(), &wecomStub{}
	s := newStore(rdb, w)
	ref := keep(t, s, wecom.MediaImage, "", picture)
	w.during = func(context.Context) error { // WeCom accepts the file, and that cannot be recorded
		server.Kill()
		return nil
	}
	_, err := s.Ensure(t.Context(), []message.MediaRef{ref})
	if class := wecom.ClassOf(err); class != wecom.ClassTransient {
		t.Fatalf("error %v of class %s, want transient: no message was sent", err, class)
	}
	server.Restart()
	w.during = nil
	// The lock of a dead process stays until it expires.
	lock := redistest.Keys(t, rdb, "*:lock")
	if len(lock) != 1 {
		t.Fatalf("locks %q, want that of the upload", lock)
	}
	if left := rdb.PTTL(t.Context(), lock[0]).Val(); left <= 0 || left > time.Minute {
		t.Fatalf("the lock ends in %s, want at most a minute", left)
	}
	if err := rdb.PExpire(t.Context(), lock[0], 50*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	ensure(t, s, "media-2", ref)
	ensure(t, newStore(rdb, w), "media-2", ref)
}

func TestAnUploadThatOutlivesItsLockChangesNothing(t *testing.T) {
	t.Parallel()
	rdb, slow, quick := redistest.New(t), &wecomStub{}, &wecomStub{}
	quick.calls.Add(10)
	s := newStore(rdb, slow)
	ref := keep(t, s, wecom.MediaImage, "", picture)
	slow.during = func(ctx context.Context) error { // its lock expires, and another process is faster
		for _, key := range redistest.Keys(t, rdb, "*:lock") { //nolint:contextcheck // its context is the test's
			rdb.Del(ctx, key)
		}
		_, err := newStore(rdb, quick).Ensure(ctx, []message.MediaRef{ref})
		return err
	}
	ensure(t, s, "media-11", ref)
}

func TestAWaitForAnUploadEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	rdb, w := redistest.New(t), &wecomStub{}
	started, release := make(chan struct{}), make(chan struct{})
	w.during = func(context.Context) error {
		close(started)
		<-release
		return nil
	}
	first := newStore(rdb, w)
	ref := keep(t, first, wecom.MediaImage, "", picture)
	var wg sync.WaitGroup
	wg.Go(func() { ensure(t, first, "media-1", ref) })
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := newStore(rdb, w).Ensure(ctx, []message.MediaRef{ref})
	if class := wecom.ClassOf(err); class != wecom.ClassTransient {
		t.Errorf("error %v of class %s, want transient", err, class)
	}
	close(release)
	wg.Wait()
}

func TestAFileThatIsNowhereIsGone(t *testing.T) {
	t.Parallel()
	s := newStore(redistest.New(t), &wecomStub{})
	ref := media.Of(wecom.MediaImage, "", picture)
	_, err := s.Ensure(t.Context(), []message.MediaRef{ref})
	if _, gone := errors.AsType[*media.GoneError](err); !gone || wecom.ClassOf(err) != wecom.ClassMedia {
		t.Errorf("error %v, want that the file is gone", err)
	}
}

func TestContentsTakeNoMoreThanTheyMay(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	s := media.New(rdb, media.Config{App: "ops", TTL: time.Hour, MaxBytes: 100})
	a := keep(t, s, wecom.MediaFile, "a", make([]byte, 60))
	keep(t, s, wecom.MediaFile, "again", make([]byte, 60)) // needs no more room
	b := []byte(strings.Repeat("b", 41))
	_, err := s.Keep(t.Context(), wecom.MediaFile, "b", b)
	if full, ok := errors.AsType[*media.FullError](err); !ok || full.Taken != 60 || full.Size != 41 || full.Most != 100 {
		t.Fatalf("error %v, want that 60 of 100 bytes are taken", err)
	}
	keep(t, s, wecom.MediaFile, "c", make([]byte, 40))
	// The first expires: the books are corrected at the next call.
	entry := fmt.Sprintf("%s %d", a.Hash, 60)
	if err := rdb.ZAdd(t.Context(), keys.MediaKept("ops"), redis.Z{Score: 1, Member: entry}).Err(); err != nil {
		t.Fatal(err)
	}
	rdb.Del(t.Context(), keys.MediaContent("ops", a.Hash))
	keep(t, s, wecom.MediaFile, "b", b)
	if taken := rdb.Get(t.Context(), keys.MediaBytes("ops")).Val(); taken != "81" {
		t.Errorf("%s bytes are taken, want 81", taken)
	}
}

func TestAContentIsKeptWhileMessagesNeedIt(t *testing.T) {
	t.Parallel()
	rdb := redistest.New(t)
	s := newStore(rdb, &wecomStub{})
	ref := keep(t, s, wecom.MediaImage, "", picture)
	content := keys.MediaContent("ops", ref.Hash)
	request := message.SendImageRequest{
		SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}, Image: message.ImageField{MediaID: ref.String()},
	}
	for name, step := range map[string]func() error{
		"a message to be sent in a day": func() error {
			_, err := s.Resolve(t.Context(), tasks.Message{Request: request, Options: tasks.Options{Delay: 24 * time.Hour}})
			return err
		},
		"one at a time": func() error {
			_, err := s.Resolve(t.Context(), tasks.Message{Request: request, Options: tasks.Options{At: time.Now().Add(25 * time.Hour)}})
			return err
		},
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
		if left := rdb.PTTL(t.Context(), content).Val(); left < 24*time.Hour {
			t.Errorf("%s: the content stays for %s", name, left)
		}
	}
	rdb.PExpire(t.Context(), content, time.Minute)
	ensure(t, s, "media-1", ref)
	if left := rdb.PTTL(t.Context(), content).Val(); left < 59*time.Minute {
		t.Errorf("after an attempt the content stays for %s, want an hour", left)
	}
	for _, key := range redistest.Keys(t, rdb, "*") {
		if rdb.PTTL(t.Context(), key).Val() < 0 {
			t.Errorf("key %s has no TTL", key)
		}
	}
}

func TestResolveNamesTheMemberAtFault(t *testing.T) {
	t.Parallel()
	s := newStore(redistest.New(t), &wecomStub{})
	text := keep(t, s, wecom.MediaFile, "a.txt", []byte("no picture"))
	elsewhere := media.Of(wecom.MediaImage, "", picture)
	for name, tc := range map[string]struct{ id, says string }{
		"a file as a picture":      {"sha256:" + text.Hash, "image.media_id: not a JPG or PNG"},
		"a file that is not there": {elsewhere.String(), "image.media_id: there is no such file for app ops"},
		"half a hash":              {"sha256:" + text.Hash[:60], "image.media_id: not like sha256:<64 hex digits>"},
		"a named picture":          {text.String(), "image.media_id: not like sha256:"},
		"WeCom's own":              {"3aXk", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.Resolve(t.Context(), tasks.Message{Request: message.SendImageRequest{
				SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}, Image: message.ImageField{MediaID: tc.id},
			}})
			_, invalid := errors.AsType[*message.ValidationError](err)
			if tc.says == "" && err != nil || tc.says != "" && (!invalid || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("error %v, want %q", err, tc.says)
			}
		})
	}
	m := tasks.Message{Request: message.SendTextRequest{SendRequestCommon: &message.SendRequestCommon{ToUser: "a"}}}
	if got, err := s.Resolve(t.Context(), m); err != nil || got.Request.Type() != message.TypeText {
		t.Errorf("a text becomes %v, error %v", got, err)
	}
}

func TestRedisAwayMeansThatNothingIsKept(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := newStore(server.Client(), &wecomStub{})
	server.Kill()
	if _, err := s.Keep(t.Context(), wecom.MediaImage, "", picture); wecom.ClassOf(err) != wecom.ClassTransient {
		t.Errorf("error %v, want one of class transient", err)
	}
}

func TestAFullRedisStillGivesOutMediaIDs(t *testing.T) {
	t.Parallel()
	rdb, w := redistest.Start(t).Client(), &wecomStub{}
	s := newStore(rdb, w)
	ref := keep(t, s, wecom.MediaImage, "", picture)
	if err := rdb.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	ensure(t, s, "media-1", ref)
	if _, err := s.Keep(t.Context(), wecom.MediaFile, "b", []byte("another file")); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Errorf("error %v, want that Redis is full", err)
	}
}

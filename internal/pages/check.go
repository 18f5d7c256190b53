package pages

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wecomq/wecomq/internal/broadcast"
	"github.com/wecomq/wecomq/internal/broadcast/compose"
	"github.com/wecomq/wecomq/internal/gateway"
	"github.com/wecomq/wecomq/wecom"
)

const (
	// maxList is the size limit of a form with its list, in bytes: a million userids with
	// two short columns have some 50 MB.
	maxList = 256 << 20
	// maxField is the size limit of any other field, and maxParts of their number.
	maxField = 64 << 10
	maxParts = 32
	// maxFile is the size limit of a file, in bytes: WeCom's largest.
	maxFile = wecom.MaxFileBytes
	// maxShownList is how much of a pasted list the form shows again.
	maxShownList = 256 << 10
)

// errFaults is a form whose faults are on its page.
var errFaults = errors.New("the form has faults")

// check reads a form field by field, and checks its list while it arrives.
type check struct {
	*newView

	identity *gateway.Identity
	apps     []*watched // to choose from

	listed bool // the list has come
	app    *watched
	spec   broadcast.Spec
	list   *compose.Compiled
}

func (c *check) run(ctx context.Context, parts *multipart.Reader) error {
	defer func() {
		if c.list != nil {
			_ = c.list.Close()
		}
	}()
	for range maxParts {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = c.take(ctx, part)
		}
		if err != nil {
			return c.explain(err)
		}
	}
	if !c.listed {
		c.Faults = append(c.Faults, "list: missing; paste it or choose a file")
		return c.readForm(ctx)
	}
	return c.prepare(ctx)
}

func (c *check) take(ctx context.Context, part *multipart.Part) error {
	name := part.FormName()
	switch name {
	case "pasted", "file":
		return c.takeList(ctx, part)
	case "upload":
		return c.takeFile(ctx, part)
	}
	value, err := io.ReadAll(io.LimitReader(part, maxField+1))
	switch {
	case err != nil:
		return err
	case len(value) > maxField:
		c.Faults = append(c.Faults, fmt.Sprintf("%.20s: it has over %d bytes", name, maxField))
	case slices.Contains(draftFields, name):
		c.Form[name] = strings.ToValidUTF8(strings.ReplaceAll(string(value), "\r\n", "\n"), "\uFFFD")
	}
	return nil
}

// takeFile keeps the file of a message, unless none was chosen: one that an earlier check has
// kept stays.
func (c *check) takeFile(ctx context.Context, part *multipart.Part) error {
	content, err := io.ReadAll(io.LimitReader(part, maxFile+1))
	kind := c.Form.media()
	if err != nil || len(content) == 0 || kind == "" {
		return err
	}
	if err := c.choose(); err != nil {
		return nil //nolint:nilerr // the list, which comes later, finds the same
	}
	ref, err := c.app.Broadcasts.Keep(ctx, kind, part.FileName(), content)
	if err != nil { // the form can still be read
		c.Faults = append(c.Faults, err.Error())
		return nil
	}
	c.Form["media"] = ref.String()
	return nil
}

// takeList compiles a list, unless it is the empty one of the two fields for it.
func (c *check) takeList(ctx context.Context, part *multipart.Part) error {
	text := bufio.NewReader(part)
	start, err := text.Peek(512)
	if c.listed || err != nil && len(bytes.TrimSpace(start)) == 0 {
		return nil
	}
	c.listed = true
	var shown beginning
	list := io.TeeReader(text, &shown)
	err = c.compile(ctx, list)
	_, _ = io.Copy(io.Discard, list) // a browser that still sends does not read the answer
	if c.ListGone = part.FormName() == "file" || shown.more; !c.ListGone {
		c.Pasted = shown.String()
	}
	return err
}

func (c *check) compile(ctx context.Context, list io.Reader) (err error) {
	if err := c.readForm(ctx); err != nil {
		return err
	}
	c.list, err = compose.Compile(ctx, list, c.spec.Template, compose.Options{SkipInvalid: c.Form["skip"] != ""})
	return err
}

// choose finds the app of the form.
func (c *check) choose() error {
	at := slices.IndexFunc(c.apps, func(a *watched) bool { return a.Name == c.Form["app"] })
	if at < 0 {
		return fmt.Errorf("app: %q is none that you may use", c.Form["app"])
	}
	c.app = c.apps[at]
	return nil
}

// readForm checks all but the list.
func (c *check) readForm(ctx context.Context) error {
	if err := c.choose(); err != nil {
		c.Faults = append(c.Faults, err.Error())
		return errFaults
	}
	var err error
	if c.spec, err = c.Form.spec(c.identity.Name(), c.app.Broadcasts.Zone, time.Now()); err != nil {
		c.Faults = append(c.Faults, strings.Split(err.Error(), "\n")...)
	}
	if len(c.Faults) > 0 {
		return errFaults
	}
	if c.Form.media() != "" {
		c.spec.Template, err = c.app.Broadcasts.KeepFiles(ctx, c.spec)
	}
	return err
}

// explain says on the page what is wrong with what has arrived.
func (c *check) explain(err error) error {
	_, bad := errors.AsType[*compose.ListError](err)
	if bad || errors.Is(err, errFaults) {
		return err
	}
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		err = fmt.Errorf("list: it has over %d MB; split it, or use wecomq broadcast create", maxList>>20)
	}
	c.Faults = append(c.Faults, err.Error())
	return errFaults
}

// prepare stores what was checked.
func (c *check) prepare(ctx context.Context) error {
	c.Summary = &c.list.Summary
	c.spec.NeedsApproval = c.spec.NeedsApproval || c.app.Broadcasts.MustBeApproved(c.Summary.Recipients)
	b, err := c.store(ctx)
	if err == nil && b.State != broadcast.Creating { // this form was sent before, and is another broadcast now
		c.Form["key"] = rand.Text()
		b, err = c.store(ctx)
	}
	if err != nil {
		return err
	}
	c.Checked, err = c.app.describe(ctx, b)
	return err
}

// store gives one form one place, so that a check replaces the one before.
func (c *check) store(ctx context.Context) (*broadcast.Broadcast, error) {
	return c.app.Broadcasts.Prepare(ctx, broadcast.Draft{
		Spec: c.spec, List: c.list, Key: "page\x00" + c.identity.Name() + "\x00" + c.Form["key"],
	})
}

// beginning keeps the beginning of a text, and whether there was more.
type beginning struct {
	bytes.Buffer

	more bool
}

// Write implements [io.Writer].
func (b *beginning) Write(p []byte) (int, error) {
	kept := p[:min(len(p), maxShownList-b.Len())]
	b.more = b.more || len(kept) < len(p)
	_, _ = b.Buffer.Write(kept)
	return len(p), nil
}

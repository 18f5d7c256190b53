package pages

import (
	"bufio"
	"bytes"
	"context"
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
	"github.com/wecomq/wecomq/internal/problem"
	"github.com/wecomq/wecomq/message"
)

const (
	// maxList is the size limit of a form with its list, in bytes: a million userids with two short columns have
	// some 50 MB.
	maxList = 256 << 20
	// maxField is the size limit of any other field, and maxParts the limit on their number.
	maxField = 64 << 10
	maxParts = 32
	// maxShownList is how many bytes of a pasted list the form shows again.
	maxShownList = 256 << 10
)

// errFlaws is returned for a form whose flaws are shown on its page.
var errFlaws = errors.New("the form has flaws")

// flaw is a mistake in a form.
type flaw struct {
	Text   string // of the pages; it may be ""
	Detail string // in English
}

// check reads a form field by field, and checks its list while it arrives.
type check struct {
	*newView

	identity *gateway.Identity
	apps     []*watched // to choose from

	app   *watched
	spec  broadcast.Spec
	lists int // received so far
	list  *compose.Compiled
	wrong error // error of the list
}

func (c *check) run(ctx context.Context, parts *multipart.Reader) error {
	defer func() {
		if c.list != nil {
			_ = c.list.Close()
		}
	}()
	if err := c.read(ctx, parts); err != nil {
		return c.explain(err)
	}
	switch {
	case c.lists == 0:
		c.object("list: missing; paste it or choose a file", "")
		return c.readForm(ctx)
	case c.lists > 1: // the user may have forgotten the first of two lists
		c.object("list: given twice; clear the text or choose no file", "")
		return errFlaws
	case c.wrong != nil:
		return c.explain(c.wrong)
	case len(c.Flaws) > 0:
		return errFlaws
	}
	return c.prepare(ctx)
}

func (c *check) object(text, detail string) { c.Flaws = append(c.Flaws, flaw{text, detail}) }

// read reads all parts.
func (c *check) read(ctx context.Context, parts *multipart.Reader) error {
	for range maxParts {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = c.take(ctx, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *check) take(ctx context.Context, part *multipart.Part) error {
	name := part.FormName()
	switch name {
	case "pasted", "file":
		return c.takeList(ctx, part)
	case "upload":
		return c.takeFile(ctx, part)
	}
	value, err := io.ReadAll(io.LimitReader(part, maxField))
	if err != nil || !slices.Contains(draftFields, name) {
		return err
	}
	c.Form[name] = strings.ToValidUTF8(strings.ReplaceAll(string(value), "\r\n", "\n"), "\uFFFD")
	more, err := io.Copy(io.Discard, part)
	if more > 0 {
		c.object("", fmt.Sprintf("%s: it has %d bytes, at most %d fit, and only those are shown; shorten it", name, maxField+more, maxField))
	}
	return err
}

// takeFile stores the file of a message, unless none was chosen: then the one of an earlier check stays. An
// invalid file removes it.
func (c *check) takeFile(ctx context.Context, part *multipart.Part) error {
	kind := c.Form.media()
	most := kind.MaxBytes()
	content, err := io.ReadAll(io.LimitReader(part, int64(most)))
	if err != nil || kind == "" || len(content) == 0 && part.FileName() == "" {
		return err
	}
	c.Form["media"] = ""
	more, err := io.Copy(io.Discard, part)
	switch {
	case err != nil:
		return err
	case more > 0:
		c.object("refused: "+string(kind), fmt.Sprintf("file: %d bytes", int64(most)+more))
		return nil
	case !c.choose(): // the list, which comes later, reports the same
		return nil
	}
	ref, err := c.app.Broadcasts.Keep(ctx, kind, part.FileName(), content)
	if _, refused := errors.AsType[*message.ValidationError](err); refused {
		c.object("refused: "+string(kind), err.Error())
		return nil
	}
	c.Form["media"], c.Form["media_type"] = ref.String(), string(kind)
	return err
}

// takeList compiles a list, unless it is the empty one of the two fields for it.
func (c *check) takeList(ctx context.Context, part *multipart.Part) error {
	text := bufio.NewReader(part)
	start, err := text.Peek(512)
	if err != nil && len(bytes.TrimSpace(start)) == 0 && part.FileName() == "" {
		return nil
	}
	if c.lists++; c.lists > 1 {
		return nil
	}
	var shown beginning
	list := io.TeeReader(text, &shown)
	c.wrong = c.compile(ctx, list)
	_, err = io.Copy(io.Discard, list)
	if c.ListGone = part.FormName() == "file" || shown.more; !c.ListGone {
		c.Pasted = shown.String()
	}
	return err
}

func (c *check) compile(ctx context.Context, list io.Reader) error {
	if err := c.readForm(ctx); err != nil {
		return err
	}
	options, err := c.Form.options()
	if err == nil {
		c.list, err = compose.Compile(ctx, list, c.spec.Template, options)
	}
	return err
}

// choose finds the app of the form, if the user may use it.
func (c *check) choose() bool {
	at := slices.IndexFunc(c.apps, func(a *watched) bool { return a.Name == c.Form["app"] })
	if at >= 0 {
		c.app = c.apps[at]
	}
	return at >= 0
}

// readForm checks everything except the list.
func (c *check) readForm(ctx context.Context) error {
	if !c.choose() {
		c.object("", fmt.Sprintf("app: %.80q is not one that you may use", c.Form["app"]))
		return errFlaws
	}
	var err error
	if c.spec, err = c.Form.spec(c.identity.Name(), c.app.Broadcasts.Zone, time.Now()); err != nil {
		for detail := range strings.SplitSeq(err.Error(), "\n") {
			c.object("", detail)
		}
	}
	if len(c.Flaws) > 0 {
		return errFlaws
	}
	if c.Form.media() == "" {
		return nil
	}
	c.spec.Template, err = c.app.Broadcasts.KeepFiles(ctx, c.spec)
	if _, refused := errors.AsType[*message.ValidationError](err); refused {
		c.Form["media"] = ""
		c.object("file: no longer kept for this app; choose it again", err.Error())
		return errFlaws
	}
	return err
}

// explain shows what is wrong with the form.
func (c *check) explain(err error) error {
	_, bad := errors.AsType[*compose.ListError](err)
	_, over := errors.AsType[*http.MaxBytesError](err)
	switch {
	case bad, errors.Is(err, errFlaws), errors.Is(err, gateway.ErrUnavailable):
		return err
	case over:
		c.object("list: larger than 256 MB; split it, or use wecomq broadcast create", "")
	case errors.Is(err, context.DeadlineExceeded):
		c.object("list: its check took over 10 minutes; split it, or use wecomq broadcast create", "")
	case errors.Is(err, problem.ErrSlow):
		c.object("The form arrived too slowly; send it again", err.Error())
	default:
		c.object("", err.Error())
	}
	return errFlaws
}

// prepare stores the checked broadcast, unless this form has already been sent.
func (c *check) prepare(ctx context.Context) error {
	c.spec.NeedsApproval = c.spec.NeedsApproval || c.app.Broadcasts.MustBeApproved(c.list.Summary.Recipients)
	b, digest, err := c.store(ctx)
	for err == nil && b.State != broadcast.Creating {
		if c.Sent = b; b.Digest == digest {
			return nil
		}
		c.Form["key"] += "+" // the form's next broadcast, wherever the browser went back to
		b, digest, err = c.store(ctx)
	}
	if what := unmade(err); what != "" {
		c.object(what, "")
		return errFlaws
	}
	if err != nil {
		return err
	}
	c.Summary = &c.list.Summary
	c.Checked, err = c.app.describe(ctx, b)
	return err
}

// store uses one place per form, so that a check replaces the one before. The digest is that of the checked
// content, not of an existing broadcast.
func (c *check) store(ctx context.Context) (b *broadcast.Broadcast, digest string, err error) {
	draft := broadcast.Draft{Spec: c.spec, List: c.list, Key: "page\x00" + c.identity.Name() + "\x00" + c.Form["key"]}
	if digest, err = draft.Digest(); err != nil {
		return nil, "", err
	}
	b, err = c.app.Broadcasts.Prepare(ctx, draft)
	return b, digest, err
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

package compose

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wecomq/wecomq/message"
)

// checkEvery is the number of rows between checks of the context and reports of progress.
const checkEvery = 1000

// Compile reads the whole list, checks every row and its rendering, removes duplicates, and groups recipients
// whose renderings are equal. An unusable list is a [*ListError], unless [Options.SkipInvalid] leaves any
// recipients.
func Compile(ctx context.Context, list io.Reader, t *Template, o Options) (*Compiled, error) {
	c := &compiler{template: t, options: o, users: sorter{dir: o.TempDir}, digest: sha256.New()}
	c.compiled = &Compiled{columns: len(t.columns), sorted: sorter{dir: o.TempDir}}
	c.summary = &c.compiled.Summary
	*c.summary = Summary{DuplicateExamples: []Duplicate{}, Problems: []Problem{}, Samples: []Sample{}}
	err := c.compile(ctx, list)
	if closed := c.users.close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = c.compiled.Close()
		return nil, err
	}
	return c.compiled, nil
}

type compiler struct {
	template *Template
	options  Options
	text     *text
	table    *table
	places   []int     // of the template's columns in the list
	renderer *renderer // nil if all recipients get the same text
	users    sorter    // by user and line
	digest   hash.Hash
	compiled *Compiled
	summary  *Summary // of compiled

	values     []string // of the current row
	key, value []byte   // reused
}

func (c *compiler) compile(ctx context.Context, list io.Reader) error {
	if err := c.open(list); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{c.readRows, c.removeDuplicates, c.count} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) open(list io.Reader) error {
	text, err := decode(list, c.options.Encoding)
	if err != nil {
		return err
	}
	static := c.template.Static()
	if c.table, err = openTable(text, c.options.Header, !static); err != nil {
		return err
	}
	if c.places, err = c.table.find(c.template.columns); err != nil {
		return err
	}
	c.values = make([]string, len(c.places))
	if !static {
		c.renderer, err = c.template.renderer()
	}
	c.summary.Header, c.summary.Columns = c.table.header, slices.Clone(c.table.names)
	c.text = text
	return err
}

// readRows checks all rows and sorts the valid ones.
func (c *compiler) readRows(ctx context.Context) error {
	for {
		if c.summary.Rows%checkEvery == 0 {
			if err := c.tell(ctx); err != nil {
				return err
			}
		}
		cells, err := c.table.next()
		if ended(err) {
			break
		}
		if err == nil {
			err = c.row(cells)
		}
		if err := c.note(err); err != nil {
			return err
		}
	}
	c.summary.Encoding = c.text.encoding
	if err := c.tell(ctx); err != nil {
		return err
	}
	return c.verdict()
}

func (c *compiler) tell(ctx context.Context) error {
	if c.options.Progress != nil {
		c.options.Progress(c.summary.Rows)
	}
	return context.Cause(ctx)
}

// note counts a row and records its problem, if any. It returns the error that ends the reading.
func (c *compiler) note(err error) error {
	problem, bad := errors.AsType[*rowError](err)
	if err != nil && !bad {
		return err
	}
	c.summary.Rows++
	if c.summary.Rows > MaxRecipients {
		return fatal(c.table.line, "", fmt.Sprintf("the list has more than %d rows; split it", MaxRecipients))
	}
	if bad {
		c.summary.Invalid++
		if len(c.summary.Problems) < maxExamples {
			c.summary.Problems = append(c.summary.Problems, problem.Problem)
		}
	}
	return nil
}

// verdict rejects a list with problems, or without recipients.
func (c *compiler) verdict() error {
	switch s := c.summary; {
	case s.Invalid > 0 && (!c.options.SkipInvalid || s.Invalid == s.Rows):
		return &ListError{Invalid: s.Invalid, Problems: s.Problems}
	case s.Rows == 0:
		return fatal(0, "", "it has a header but no recipients")
	default:
		return nil
	}
}

// row checks a row and adds it.
func (c *compiler) row(cells []string) error {
	user := ""
	if c.table.user < len(cells) {
		user = strings.TrimSpace(cells[c.table.user])
	}
	if err := checkUser(user); err != nil {
		return c.table.problem(c.table.names[c.table.user], err.Error()+c.headerHint())
	}
	for i, place := range c.places {
		column := c.template.columns[i]
		if place >= len(cells) {
			return c.table.problem(column, fmt.Sprintf("the row ends before this column: it has %d cells", len(cells)))
		}
		if reason := damage(cells[place]); reason != "" {
			return c.table.problem(column, reason)
		}
		c.values[i] = cells[place]
	}
	return c.add(user)
}

// headerHint is the hint for the first row of a list that seems to have no header.
func (c *compiler) headerHint() string {
	if c.table.header || c.summary.Rows > 0 {
		return ""
	}
	return "; if this row is a header, call the column userid"
}

func checkUser(user string) error {
	switch user {
	case "":
		return errors.New("empty; the row has no recipient")
	case message.AllUsers:
		return errors.New("a list names members one by one; send an ordinary message to @all")
	default:
		return message.CheckUserID(user)
	}
}

// damage describes why a value cannot be in any message. WeCom refuses escapes (40033), which JSON needs for
// control characters.
func damage(value string) string {
	for _, r := range value {
		switch {
		case r == utf8.RuneError:
			return "it has bytes that are invalid in the list's encoding, or were when it was saved; give the right encoding"
		case r < ' ' && r != '\n' && r != '\r' && r != '\t':
			return fmt.Sprintf("it has the control character %U", r)
		}
	}
	return ""
}

// add renders the row and passes it to the sorter.
func (c *compiler) add(user string) error {
	c.value = c.value[:0]
	if c.renderer == nil {
		c.value = append(c.value, make([]byte, hashBytes)...)
	} else {
		if err := c.renderer.render(c.values); err != nil {
			return c.table.problem(c.longest(), err.Error())
		}
		c.value = c.renderer.sum(c.value)
	}
	c.value = appendRow(c.value, user, c.values)
	c.key = append(c.key[:0], strings.ToLower(user)...)
	c.key = append(c.key, 0)
	c.key = binary.BigEndian.AppendUint64(c.key, uint64(c.table.line)) //nolint:gosec // lines are positive
	return c.users.add(c.key, c.value)
}

// longest is the column that most likely makes a rendering too long.
func (c *compiler) longest() string {
	most := 0
	for i, value := range c.values {
		if len(value) > len(c.values[most]) {
			most = i
		}
	}
	return c.template.columns[most]
}

// removeDuplicates keeps the first row of each user, and sorts by rendering.
func (c *compiler) removeDuplicates(ctx context.Context) error {
	if err := c.users.finish(); err != nil {
		return err
	}
	c.digest.Write(c.template.source)
	var last []byte
	firstLine, rows := 0, 0
	for r, err := range c.users.records() {
		if err == nil && rows%checkEvery == 0 {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		rows++
		end := len(r.key) - 9
		user, line := r.key[:end], int(binary.BigEndian.Uint64(r.key[end+1:])) //nolint:gosec // it was an int
		if string(user) == string(last) {
			c.duplicate(Duplicate{User: string(user), Line: line, FirstLine: firstLine})
			continue
		}
		last, firstLine = append(last[:0], user...), line
		if err := c.recipient(user, r.value); err != nil {
			return err
		}
	}
	c.digest.Sum(c.summary.Digest[:0])
	return c.compiled.sorted.finish()
}

func (c *compiler) duplicate(d Duplicate) {
	c.summary.Duplicates++
	if len(c.summary.DuplicateExamples) < maxExamples {
		c.summary.DuplicateExamples = append(c.summary.DuplicateExamples, d)
	}
}

func (c *compiler) recipient(user, value []byte) error {
	c.summary.Recipients++
	c.key = append(append(c.key[:0], value[:hashBytes]...), user...)
	c.digest.Write(c.key)
	c.digest.Write([]byte{0})
	return c.compiled.sorted.add(c.key, value[hashBytes:])
}

// count makes one pass over the calls.
func (c *compiler) count(ctx context.Context) error {
	for block, err := range c.compiled.Blocks() {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		c.summary.Blocks++
		c.summary.Calls += len(block)
		c.summary.Samples = AppendSamples(c.summary.Samples, block)
	}
	return nil
}

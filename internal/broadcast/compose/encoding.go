package compose

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// guessBytes is how much text is examined to tell UTF-8 from GB18030, starting at the first non-ASCII
// character.
const guessBytes = 64 << 10

// The encodings of a list. Excel in China writes GB18030 (or GBK, a part of it) as
// "CSV", and UTF-16 as "Unicode text".
const (
	utf8Name    = "utf-8"
	gb18030Name = "gb18030"
	utf16LEName = "utf-16le"
	utf16BEName = "utf-16be"
)

var encodings = map[string]encoding.Encoding{
	utf8Name:    nil, // not converted
	gb18030Name: simplifiedchinese.GB18030,
	utf16LEName: unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	utf16BEName: unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
}

// aliases are other common names.
var aliases = map[string]string{"utf8": utf8Name, "gbk": gb18030Name, "gb2312": gb18030Name, "utf-16": utf16LEName, "utf16": utf16LEName}

// Encodings are the names accepted by [Options.Encoding], besides "" for detection, sorted.
func Encodings() []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(encodings)), maps.Keys(aliases))
	slices.Sort(names)
	return names
}

// CheckEncoding rejects a name that is neither one of [Encodings] nor "".
func CheckEncoding(name string) error {
	if name != "" && !slices.Contains(Encodings(), strings.ToLower(name)) {
		return fmt.Errorf("%q is not known; want one of %s", name, strings.Join(Encodings(), ", "))
	}
	return nil
}

// text is a list as UTF-8, with its original encoding.
type text struct {
	io.Reader
	encoding string
}

// decode reads the list as UTF-8 without a byte order mark. Bytes that are invalid in the encoding become
// U+FFFD, except in a UTF-8 list.
func decode(list io.Reader, name string) (*text, error) {
	raw := bufio.NewReaderSize(list, guessBytes)
	start, err := raw.Peek(512)
	if err != nil && !ended(err) {
		return nil, fmt.Errorf("read list: %w", err)
	}
	if err := refuseSpreadsheet(start); err != nil {
		return nil, err
	}
	t := new(text)
	if t.encoding, err = encodingOf(name, start); err != nil {
		return nil, err
	}
	switch enc := encodings[t.encoding]; {
	case enc != nil:
		t.Reader = enc.NewDecoder().Reader(raw)
	case bytes.IndexByte(start, 0) >= 0:
		return nil, fatal(0, "", "it has zero bytes: it is not text, or is UTF-16 without a byte order mark; "+
			"save it as CSV UTF-8, or give the encoding utf-16le")
	case t.encoding == "":
		t.encoding = utf8Name
		t.Reader = &guess{raw: raw, text: t}
	default:
		t.Reader = raw
	}
	return t, nil
}

// encodingOf is the given encoding or the one of the byte order mark, "" if it has to be guessed.
func encodingOf(name string, start []byte) (string, error) {
	if err := CheckEncoding(name); err != nil {
		return "", fmt.Errorf("encoding: %w", err)
	}
	name = strings.ToLower(name)
	if alias, ok := aliases[name]; ok {
		name = alias
	}
	switch {
	case bytes.HasPrefix(start, []byte("\xEF\xBB\xBF")):
		return utf8Name, nil
	case bytes.HasPrefix(start, []byte("\xFF\xFE")):
		return utf16LEName, nil
	case bytes.HasPrefix(start, []byte("\xFE\xFF")):
		return utf16BEName, nil
	default:
		return name, nil
	}
}

// refuseSpreadsheet recognises files that are not text.
func refuseSpreadsheet(start []byte) error {
	for _, magic := range []struct{ bytes, kind string }{
		{"PK\x03\x04", ".xlsx"},
		{"\xD0\xCF\x11\xE0", ".xls"},
	} {
		if bytes.HasPrefix(start, []byte(magic.bytes)) {
			return fatal(0, "", fmt.Sprintf("it is a spreadsheet (%s); in Excel or WPS, save it as CSV UTF-8", magic.kind))
		}
	}
	return nil
}

// guess passes ASCII through and decides between UTF-8 and GB18030 at the first other byte.
type guess struct {
	raw     *bufio.Reader
	decided io.Reader
	text    *text
}

func (g *guess) Read(p []byte) (int, error) {
	if g.decided != nil {
		return g.decided.Read(p)
	}
	ahead, err := g.raw.Peek(guessBytes)
	if len(ahead) == 0 {
		return 0, err
	}
	ascii := slices.IndexFunc(ahead, func(b byte) bool { return b >= utf8.RuneSelf })
	if ascii == 0 {
		g.decide(ahead)
		return g.decided.Read(p)
	}
	if ascii < 0 {
		ascii = len(ahead)
	}
	return g.raw.Read(p[:min(len(p), ascii)])
}

func (g *guess) decide(ahead []byte) {
	if looksLikeUTF8(ahead) {
		g.decided = g.raw
		return
	}
	g.text.encoding = gb18030Name
	g.decided = simplifiedchinese.GB18030.NewDecoder().Reader(g.raw)
}

// looksLikeUTF8 tolerates some damage: read as GB18030, such a list would be garbled for all recipients.
// Hardly any GB18030 character is also valid UTF-8.
func looksLikeUTF8(ahead []byte) bool {
	valid, invalid := 0, 0
	cut := len(ahead) == guessBytes // perhaps inside a character
	for len(ahead) > 0 && (!cut || utf8.FullRune(ahead)) {
		r, size := utf8.DecodeRune(ahead)
		switch {
		case r == utf8.RuneError && size == 1:
			invalid++
		case size > 1:
			valid++
		}
		ahead = ahead[size:]
	}
	return invalid == 0 || valid > invalid
}

package wecom

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MediaType is the kind of a temporary media file (90253).
type MediaType string

// The media types WeCom knows.
const (
	MediaImage MediaType = "image" // JPG or PNG, 10 MB
	MediaVoice MediaType = "voice" // AMR, 2 MB, 60 s
	MediaVideo MediaType = "video" // MP4, 10 MB
	MediaFile  MediaType = "file"  // anything, 20 MB
)

const mebibyte = 1 << 20

// Limits of temporary media (90253), in bytes unless said otherwise.
const (
	MinMediaBytes    = 6 // "more than 5 bytes"
	MaxImageBytes    = 10 * mebibyte
	MaxVoiceBytes    = 2 * mebibyte
	MaxVideoBytes    = 10 * mebibyte
	MaxFileBytes     = 20 * mebibyte
	MaxVoiceDuration = time.Minute
)

// MediaLifetime is how long a media_id can be used, by every app of the corp (90253).
const MediaLifetime = 3 * 24 * time.Hour

// mediaRules are what WeCom takes of each type (90253), and the errcodes of the rest (90313).
var mediaRules = map[MediaType]struct {
	max      int
	tooLarge Code
	format   string
	is       func(content []byte) bool
	isNot    Code
}{
	MediaImage: {MaxImageBytes, 40009, "a JPG or PNG", isPicture, 40004},
	MediaVoice: {MaxVoiceBytes, 45001, "an AMR", isAMR, 301017},
	MediaVideo: {MaxVideoBytes, 40011, "an MP4", isMP4, 40004},
	MediaFile:  {MaxFileBytes, 45001, "a file", func([]byte) bool { return true }, 0},
}

// MaxBytes is the largest file of the type, 0 for a type that WeCom does not know.
func (t MediaType) MaxBytes() int { return mediaRules[t].max }

// MediaError is a file that WeCom would not take. It was not uploaded.
type MediaError struct {
	Code    Code   // what WeCom would answer
	Problem string // names the limit and by how much it is exceeded
}

// Error is the problem.
func (e *MediaError) Error() string { return e.Problem }

// Unwrap gives the errcode.
func (e *MediaError) Unwrap() error { return e.Code }

// Class is that of the errcode: [ClassContent].
func (e *MediaError) Class() Class { return e.Code.Class() }

// CheckMedia reports as a [*MediaError] why WeCom would not take a file of a type (90253):
// its size, its format by the first bytes, the length of a voice, or its name.
func CheckMedia(kind MediaType, filename string, content []byte) error {
	rules, known := mediaRules[kind]
	size := len(content)
	switch {
	case !known:
		return mediaError(40005, "type %q is none of image, voice, video, file", kind)
	case size == 0:
		return mediaError(44001, "the file is empty; WeCom takes no file under %d bytes", MinMediaBytes)
	case size < MinMediaBytes:
		return mediaError(40006, "%d bytes, WeCom takes no file under %d", size, MinMediaBytes)
	case size > rules.max:
		return mediaError(rules.tooLarge, "%d bytes, %d more than WeCom's limit of %d for type %s", size, size-rules.max, rules.max, kind)
	case !rules.is(content):
		return mediaError(rules.isNot, "not %s by its first bytes, which is all that WeCom takes for type %s", rules.format, kind)
	case kind == MediaVoice && amrDuration(content) > MaxVoiceDuration:
		return mediaError(45007, "%s long, more than WeCom's limit of %s for type voice", amrDuration(content), MaxVoiceDuration)
	}
	return CheckFilename(filename)
}

func mediaError(code Code, format string, args ...any) error {
	return &MediaError{Code: code, Problem: fmt.Sprintf(format, args...)}
}

// maxFilenameBytes is our own limit.
const maxFilenameBytes = 255

// CheckFilename keeps to the rules of page 90253, and to what fits into the form.
func CheckFilename(name string) error {
	switch {
	case name == "" || strings.HasPrefix(name, "/") || strings.ContainsAny(name, "\\:\r\n\""):
		return mediaError(40058, `file name %q is empty, starts with / or contains one of \ : " or a line break`, name)
	case strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name):
		return mediaError(40058, "file name %q has control characters, or is not UTF-8", name)
	case len(name) > maxFilenameBytes:
		return mediaError(40058, "the file name has %d bytes, at most %d", len(name), maxFilenameBytes)
	}
	return nil
}

func isPicture(content []byte) bool {
	return bytes.HasPrefix(content, []byte("\xff\xd8\xff")) || bytes.HasPrefix(content, []byte("\x89PNG\r\n\x1a\n"))
}

func isMP4(content []byte) bool { return len(content) >= 8 && string(content[4:8]) == "ftyp" }

// amrMagic begins a narrow-band AMR file; "#!AMR-WB\n" a wide-band one (RFC 4867).
const amrMagic = "#!AMR\n"

func isAMR(content []byte) bool {
	return bytes.HasPrefix(content, []byte(amrMagic)) || bytes.HasPrefix(content, []byte("#!AMR-WB\n"))
}

// amrFrames are the bytes of a frame of narrow-band AMR by its type, header included; 0 for
// those that are reserved (3GPP TS 26.101).
var amrFrames = [16]int{13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1}

// amrDuration is the length of a narrow-band recording as far as it can be read, 0 of any
// other: each frame holds 20 ms.
func amrDuration(content []byte) time.Duration {
	frames, narrow := bytes.CutPrefix(content, []byte(amrMagic))
	if !narrow {
		return 0
	}
	var length time.Duration
	for len(frames) > 0 {
		size := amrFrames[frames[0]>>3&15]
		if size == 0 || size > len(frames) {
			break
		}
		frames = frames[size:]
		length += 20 * time.Millisecond
	}
	return length
}

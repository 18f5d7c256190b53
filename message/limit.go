package message

// Limits of every message (90236).
const (
	// MaxUsers is how many userids one call may name.
	MaxUsers = 1000
	// MaxParties is how many departments one call may name.
	MaxParties = 100
	// MaxTags is how many tags one call may name.
	MaxTags = 100
	// MaxUserIDBytes is the longest userid.
	MaxUserIDBytes = 64
	// DefaultDuplicateCheckInterval, in seconds, applies when the check is on and
	// duplicate_check_interval is 0.
	DefaultDuplicateCheckInterval = 1800
	// MaxDuplicateCheckInterval is the longest duplicate_check_interval, in seconds.
	MaxDuplicateCheckInterval = 14400
	// MaxBodyBytes is the largest JSON that [Parse] reads. It is our own limit: enough for eight mpnews
	// articles of [MaxArticleBytes] plus half as much for JSON escapes.
	MaxBodyBytes = 8 << 20
)

// Limits of texts (90236). WeCom cuts longer ones, mostly silently.
const (
	// MaxTextBytes is the limit of text.content.
	MaxTextBytes = 2048
	// MaxMarkdownBytes is the limit of markdown.content.
	MaxMarkdownBytes = 2048
	// MaxTitleBytes is the limit of the title of a video and of an article.
	MaxTitleBytes = 128
	// MaxDescriptionBytes is the limit of the description of a video and of a
	// news article, and of the digest of an mpnews article.
	MaxDescriptionBytes = 512
	// MaxURLBytes is the limit of the links of textcard and news.
	MaxURLBytes = 2048
	// MaxTextCardTitleChars is the limit of textcard.title. The page of 2025 counts characters, older copies
	// bytes. This follows the newer one: by the older, no title of more than 42 Chinese characters could be
	// sent.
	MaxTextCardTitleChars = 128
	// MaxTextCardDescriptionChars is the limit of textcard.description, in
	// characters for the same reason as [MaxTextCardTitleChars].
	MaxTextCardDescriptionChars = 512
	// MaxTextCardButtonChars is the limit of textcard.btntxt.
	MaxTextCardButtonChars = 4
)

// Limits of news and mpnews (90236).
const (
	// MaxArticles is how many articles one message holds; it holds at least one.
	MaxArticles = 8
	// MaxPagePathBytes is the limit of a news article's pagepath.
	MaxPagePathBytes = 128
	// MaxAuthorBytes is the limit of an mpnews article's author.
	MaxAuthorBytes = 64
	// MaxArticleBytes is the limit of an mpnews article's content. The page says "666 KB"; this is the larger
	// reading, as WeCom reports an error (45002) for more.
	MaxArticleBytes = 666 << 10
)

// Limits of miniprogram_notice (90236). Title and description should have 4 to 12 Chinese characters; how
// WeCom treats others is undocumented, so they are accepted.
const (
	// MaxNoticePageBytes is the limit of page.
	MaxNoticePageBytes = 1024
	// MaxNoticeItems is how many lines content_item may have.
	MaxNoticeItems = 10
	// MaxNoticeKeyChars is the limit of a line's key.
	MaxNoticeKeyChars = 10
	// MaxNoticeValueChars is the limit of a line's value.
	MaxNoticeValueChars = 30
)

// Limits of template_card (90236). The display lengths that the page suggests are not limits.
const (
	// MaxTaskIDBytes is the limit of task_id.
	MaxTaskIDBytes = 128
	// MaxKeyBytes is the limit of the keys of buttons, menu actions and questions.
	MaxKeyBytes = 1024
	// MaxOptionIDBytes is the limit of an option's id.
	MaxOptionIDBytes = 128
	// MaxMenuActions is how many entries action_menu may have.
	MaxMenuActions = 3
	// MaxHorizontalContents is how many lines horizontal_content_list may have.
	MaxHorizontalContents = 6
	// MaxVerticalContents is how many texts vertical_content_list may have.
	MaxVerticalContents = 4
	// MaxJumps is how many links jump_list may have.
	MaxJumps = 3
	// MaxButtons is how many buttons button_list may have.
	MaxButtons = 6
	// MaxCheckboxOptions is how many options a checkbox may have.
	MaxCheckboxOptions = 20
	// MaxSelects is how many selectors select_list may have.
	MaxSelects = 3
	// MaxSelectOptions is how many options a selector may have.
	MaxSelectOptions = 10
	// MinAspectRatio is the minimum ratio of width to height of card_image.
	MinAspectRatio = 1.3
	// MaxAspectRatio is the maximum ratio of width to height of card_image.
	MaxAspectRatio = 2.25
)

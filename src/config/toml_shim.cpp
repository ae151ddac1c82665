/* Owns the translation of toml++'s tree into ours. Exceptions end here. */
#include "config/toml_shim.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

/* toml++ 3.3 asserts on some invalid texts ("[[.a]]") and is undefined there without assertions: its assertions are kept, and throw. */
namespace
{
struct broken_assertion {};
constexpr void keep_assertion(bool holds)
{
    if (!holds) { throw broken_assertion(); }
}
}
#undef NDEBUG
#define TOML_ASSERT(expression) keep_assertion(static_cast<bool>(expression))
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_MAX_NESTED_VALUES TPI_TOML_DEPTH_MAX
#include <toml++/toml.h>

namespace
{

/* Parts of one dotted key. toml++ has no limit of its own there, and frees nested tables by recursion. */
constexpr unsigned key_parts_max = 16;

void fail(tpi_toml_error_t *error, uint32_t line, uint32_t column, std::string_view text)
{
    error->line = line;
    error->column = column;
    std::snprintf(error->text, sizeof(error->text), "%.*s", static_cast<int>(std::min<size_t>(text.size(), 255)), text.data());
}

/* Bytes of the UTF-8 sequence that starts there, 0 if it is none (overlong, surrogate, above U+10FFFF, cut). */
size_t utf8_bytes(std::string_view text, size_t at)
{
    const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u; };
    const auto follows = [&](size_t i) { return 0x80 == (byte(i) & 0xc0); };
    const unsigned first = byte(0);
    if (first < 0x80) { return 1; }
    if (first >= 0xc2 && first <= 0xdf) { return follows(1) ? 2 : 0; }
    if (0xe0 == (first & 0xf0))
    {
        const bool fits = 0xe0 == first ? byte(1) >= 0xa0 : 0xed != first || byte(1) <= 0x9f;
        return fits && follows(1) && follows(2) ? 3 : 0;
    }
    if (first < 0xf0 || first > 0xf4) { return 0; }
    const bool fits = 0xf0 == first ? byte(1) >= 0x90 : 0xf4 != first || byte(1) <= 0x8f;
    return fits && follows(1) && follows(2) && follows(3) ? 4 : 0;
}

/* toml++ 3.3 asserts on some bytes that are no UTF-8, and reads on when assertions are compiled out. */
bool is_text(std::string_view text, tpi_toml_error_t *error)
{
    uint32_t line = 1;
    size_t line_start = 0;
    for (size_t at = 0; at < text.size(); )
    {
        const size_t bytes = utf8_bytes(text, at);
        if (0 == bytes || '\0' == text[at])
        {
            fail(error, line, static_cast<uint32_t>(at - line_start + 1),
                0 == bytes ? "the file is not UTF-8 here" : "the file holds a NUL byte here");
            return false;
        }
        if ('\n' == text[at]) { line++; line_start = at + 1; }
        at += bytes;
    }
    return true;
}

/* Skips a string from its opening quote; returns the position after the closing one, or the end of the text (toml++ tells the mistake). */
size_t skip_string(std::string_view text, size_t at, uint32_t &line, size_t &line_start)
{
    const char quote = text[at];
    const bool escapes = '"' == quote;
    const bool multi = text.size() - at >= 3 && quote == text[at + 1] && quote == text[at + 2];
    at += multi ? 3 : 1;
    while (at < text.size())
    {
        if ('\n' == text[at])
        {
            if (!multi) { return at; }
            line++;
            line_start = at + 1;
        }
        if (escapes && '\\' == text[at] && at + 1 < text.size() && '\n' != text[at + 1]) { at += 2; continue; }
        if (quote == text[at])
        {
            if (!multi) { return at + 1; }
            if (text.size() - at >= 3 && quote == text[at + 1] && quote == text[at + 2])
            {
                at += 3;
                while (at < text.size() && quote == text[at]) { at++; }
                return at;
            }
        }
        at++;
    }
    return text.size();
}

/* Finds keys of too many parts before toml++ builds a table for each part. Counts dots outside strings and comments between , = [ { and line ends. */
bool keys_are_short(std::string_view text, tpi_toml_error_t *error)
{
    uint32_t line = 1;
    size_t line_start = 0;
    unsigned dots = 0;
    size_t at = 0;
    while (at < text.size())
    {
        const char c = text[at];
        switch (c)
        {
            case '"':
            case '\'': at = skip_string(text, at, line, line_start); continue;
            case '#': at = std::min(text.find('\n', at), text.size()); continue;
            case '\n': line++; line_start = at + 1; dots = 0; break;
            case ',': case '=': case '[': case '{': dots = 0; break;
            case '.':
                if (++dots >= key_parts_max)
                {
                    fail(error, line, static_cast<uint32_t>(at - line_start + 1), "a key of more than 16 parts");
                    return false;
                }
                break;
            default: break;
        }
        at++;
    }
    return true;
}

char *copy_bytes(std::string_view text)
{
    auto *const copy = static_cast<char *>(std::malloc(text.size() + 1));
    if (nullptr == copy) { throw std::bad_alloc(); }
    std::memcpy(copy, text.data(), text.size());
    copy[text.size()] = '\0';
    return copy;
}

void release(tpi_toml_node_t *node)
{
    std::free(node->key);
    std::free(node->text);
    for (size_t i = 0; i < node->count; i++) { release(&node->children[i]); }
    std::free(node->children);
}

void convert(tpi_toml_node_t *out, const toml::node &in);

tpi_toml_node_t *add_children(tpi_toml_node_t *out, size_t count)
{
    if (0 == count) { return nullptr; }
    out->children = static_cast<tpi_toml_node_t *>(std::calloc(count, sizeof(tpi_toml_node_t)));
    if (nullptr == out->children) { throw std::bad_alloc(); }
    out->count = count;
    return out->children;
}

bool comes_before(const tpi_toml_node_t &a, const tpi_toml_node_t &b)
{
    return a.key_line != b.key_line ? a.key_line < b.key_line : a.key_column < b.key_column;
}

void convert_table(tpi_toml_node_t *out, const toml::table &table)
{
    tpi_toml_node_t *child = add_children(out, table.size());
    for (const auto &[key, value] : table)
    {
        child->key = copy_bytes(key.str());
        child->key_length = key.str().size();
        convert(child, value);
        child->key_line = key.source().begin.line;
        child->key_column = key.source().begin.column;
        child++;
    }
    std::sort(out->children, out->children + out->count, comes_before);
}

void convert(tpi_toml_node_t *out, const toml::node &in)
{
    out->line = out->key_line = in.source().begin.line;
    out->column = out->key_column = in.source().begin.column;
    switch (in.type())
    {
        case toml::node_type::table: out->type = TPI_TOML_TABLE; convert_table(out, *in.as_table()); break;
        case toml::node_type::array:
        {
            out->type = TPI_TOML_ARRAY;
            tpi_toml_node_t *child = add_children(out, in.as_array()->size());
            for (const auto &value : *in.as_array()) { convert(child++, value); }
            break;
        }
        case toml::node_type::string:
            out->type = TPI_TOML_STRING;
            out->text = copy_bytes(in.as_string()->get());
            out->text_length = in.as_string()->get().size();
            break;
        case toml::node_type::integer: out->type = TPI_TOML_INTEGER; out->integer = in.as_integer()->get(); break;
        case toml::node_type::floating_point: out->type = TPI_TOML_FLOAT; out->real = in.as_floating_point()->get(); break;
        case toml::node_type::boolean: out->type = TPI_TOML_BOOLEAN; out->boolean = in.as_boolean()->get(); break;
        default: out->type = TPI_TOML_DATE; break;
    }
}

bool breaks_assertion(std::string_view text)
{
    try { (void)toml::parse(text); }
    catch (const broken_assertion &) { return true; }
    return false;
}

/* The first line whose presence breaks an assertion. */
uint32_t line_of_assertion(std::string_view text)
{
    const auto lines_until = [&](size_t end)
    {
        return static_cast<uint32_t>(std::count(text.begin(), text.begin() + static_cast<long>(end), '\n') + 1);
    };
    size_t good = 0;
    size_t bad = text.size();
    while (bad - good > 1)
    {
        const size_t middle = good + (bad - good) / 2;
        (breaks_assertion(text.substr(0, middle)) ? bad : good) = middle;
    }
    return lines_until(good);
}

tpi_toml_failure_t refuse_assertion(std::string_view text, tpi_toml_error_t *error)
{
    try { fail(error, line_of_assertion(text), 1, "this line is not valid TOML"); }
    catch (...) { return TPI_TOML_NO_MEMORY; }
    return TPI_TOML_SYNTAX;
}

}

tpi_toml_failure_t tpi_toml_parse(tpi_toml_node_t **root, const char *text, size_t length, tpi_toml_error_t *error)
{
    tpi_toml_node_t *made = nullptr;
    try
    {
        const std::string_view view(text, length);
        if (length > TPI_TOML_BYTES_MAX) { fail(error, 1, 1, "the file is larger than 1 MiB"); return TPI_TOML_SYNTAX; }
        if (!is_text(view, error) || !keys_are_short(view, error)) { return TPI_TOML_SYNTAX; }
        const toml::parse_result result = toml::parse(view);
        if (!result)
        {
            fail(error, result.error().source().begin.line, result.error().source().begin.column, result.error().description());
            return TPI_TOML_SYNTAX;
        }
        made = static_cast<tpi_toml_node_t *>(std::calloc(1, sizeof(*made)));
        if (nullptr == made) { return TPI_TOML_NO_MEMORY; }
        convert(made, result.table());
        *root = made;
        return TPI_TOML_OK;
    }
    catch (const broken_assertion &)
    {
        return refuse_assertion(std::string_view(text, length), error);
    }
    catch (...)
    {
        tpi_toml_free(made);
        return TPI_TOML_NO_MEMORY;
    }
}

void tpi_toml_free(tpi_toml_node_t *root)
{
    if (nullptr == root) { return; }
    release(root);
    std::free(root);
}

const tpi_toml_node_t *tpi_toml_get(const tpi_toml_node_t *node, const char *key)
{
    if (nullptr == node || TPI_TOML_TABLE != node->type) { return nullptr; }
    for (size_t i = 0; i < node->count; i++)
    {
        const tpi_toml_node_t *const child = &node->children[i];
        if (std::string_view(child->key, child->key_length) == key) { return child; }
    }
    return nullptr;
}

const char *tpi_toml_type_name(tpi_toml_type_t type)
{
    switch (type)
    {
        case TPI_TOML_TABLE: return "a table";
        case TPI_TOML_ARRAY: return "an array";
        case TPI_TOML_STRING: return "a string";
        case TPI_TOML_INTEGER: return "an integer";
        case TPI_TOML_FLOAT: return "a number with fraction";
        case TPI_TOML_BOOLEAN: return "a boolean";
        case TPI_TOML_DATE: return "a date or time";
        default: return "nothing";
    }
}

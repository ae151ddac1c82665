/* tp top on a terminal, by ncurses. Owns the screen between newterm and endwin. Main thread only. */
#include <inttypes.h>
#include <locale.h>
#include <string.h>

#include <curses.h>

#include "connect.h"
#include "out.h"
#include "top.h"

#define KEY_WAIT_MS 100

typedef struct screen
{
    top_t *top;
    int first, total, row;             /* first line shown below the title, lines there are, line being emitted */
    bool paused, typing;
    char typed[64];
}
screen_t;

static int clamp(int value, int low, int high) { return value < low ? low : value > high ? high : value; }

static void on_line(void *clientd, top_line_t kind, const char *text)
{
    static const int looks[] = { (int)A_REVERSE, (int)A_BOLD, (int)A_NORMAL, (int)A_STANDOUT };
    screen_t *const screen = clientd;
    char safe[700];
    const bool title = TOP_TITLE == kind;
    const int y = title ? 0 : screen->row - screen->first + 1;
    if (!title) { screen->row++; }
    if (y < (title ? 0 : 1) || y >= LINES - 1) { return; }
    snprintf(safe, sizeof(safe), "%s", text);
    cli_disarm(safe);
    cli_cut(safe, COLS);
    (void)attrset(looks[kind]);
    (void)mvaddnstr(y, 0, safe, (int)strlen(safe));
    if (getcury(stdscr) != y) { (void)move(y, COLS - 1); }     /* a full line leaves the cursor on the next one */
    (void)clrtoeol();
    (void)attrset((int)A_NORMAL);
}

static void draw(screen_t *screen)
{
    (void)erase();
    screen->row = 0;
    top_lines(screen->top, on_line, screen);
    screen->total = screen->row;
    const int last = screen->total > LINES - 2 ? screen->total - (LINES - 2) : 0;
    if (screen->first > last) { screen->first = last; }
    (void)move(LINES - 1, 0);
    (void)clrtoeol();
    (void)attrset((int)A_DIM);
    if (screen->typing) { (void)printw("only: %s", screen->typed); }
    else
    {
        (void)addnstr(screen->paused ? "stopped; space goes on  q end" : "q end  s sort  r reverse  / only  space stop  arrows move",
            COLS > 1 ? COLS - 1 : 1);
    }
    (void)attrset((int)A_NORMAL);
    (void)refresh();
}

static void type_key(screen_t *screen, int key)
{
    const size_t length = strlen(screen->typed);
    if ('\n' == key || '\r' == key || KEY_ENTER == key)
    {
        screen->typing = false;
        snprintf(screen->top->filter, sizeof(screen->top->filter), "%s", screen->typed);
        screen->first = 0;
        top_arrange(screen->top);
    }
    else if (27 == key) { screen->typing = false; }
    else if ((KEY_BACKSPACE == key || 127 == key || 8 == key) && length > 0) { screen->typed[length - 1] = '\0'; }
    else if (key >= 0x20 && key < 0x100 && 127 != key && length + 1 < sizeof(screen->typed))
    {
        screen->typed[length] = (char)key;
        screen->typed[length + 1] = '\0';
    }
}

/* false: end. */
static bool on_key(screen_t *screen, int key)
{
    top_t *const top = screen->top;
    const int page = LINES > 3 ? LINES - 3 : 1;
    if (screen->typing) { type_key(screen, key); return true; }
    switch (key)
    {
        case 'q': case 'Q': return false;
        case 's': top->sort = (top_sort_t)((top->sort + 1) % TOP_SORTS); top_arrange(top); break;
        case 'r': top->reverse = !top->reverse; top_arrange(top); break;
        case '/': screen->typing = true; screen->typed[0] = '\0'; break;
        case ' ': screen->paused = !screen->paused; break;
        case KEY_UP: case 'k': screen->first = clamp(screen->first - 1, 0, screen->total); break;
        case KEY_DOWN: case 'j': screen->first = clamp(screen->first + 1, 0, screen->total); break;
        case KEY_PPAGE: screen->first = clamp(screen->first - page, 0, screen->total); break;
        case KEY_NPAGE: screen->first = clamp(screen->first + page, 0, screen->total); break;
        case KEY_HOME: screen->first = 0; break;
        case KEY_END: screen->first = screen->total; break;
        default: break;
    }
    return true;
}

int top_screen(top_t *top, bool *unable)
{
    const cli_args_t *const args = top->args;
    screen_t screen = { .top = top };
    const int64_t interval_ns = (int64_t)((args->interval > 0.1 ? args->interval : args->interval >= 0.0 ? 0.1 : 1.0) * 1e9);
    const int64_t deadline_ns = cli_deadline_ns(args->seconds);
    (void)setlocale(LC_CTYPE, "");
    SCREEN *const terminal = newterm(NULL, stdout, stdin);
    if (NULL == terminal) { *unable = true; return CLI_OK; }
    (void)cbreak();
    (void)noecho();
    (void)keypad(stdscr, TRUE);
    (void)curs_set(0);
    timeout(KEY_WAIT_MS);
    int64_t next_ns = cli_now_ns() + interval_ns;
    uint64_t rounds = 0;
    bool going = true;
    draw(&screen);
    while (going && !cli_stopped() && cli_now_ns() < deadline_ns && rounds < CLI_OR(args->count, UINT64_MAX))
    {
        const int key = getch();
        if (ERR != key) { going = on_key(&screen, key); }
        const bool due = cli_now_ns() >= next_ns;
        if (due)
        {
            next_ns = cli_now_ns() + interval_ns;
            rounds++;
            if (!screen.paused) { (void)top_read(top); }
        }
        if (due || ERR != key) { draw(&screen); }
    }
    (void)endwin();
    delscreen(terminal);
    return CLI_OK;
}

"""A worker that writes the letters of announcements, as the task does: `python -m tests.chaos.announcer`.

Nothing in it dies by itself: the test holds a lock that it waits for and kills it there.
"""

import django


def main() -> None:
    from refunds import tasks  # noqa: PLC0415 - after django.setup()

    tasks.announce_policies()


if __name__ == "__main__":
    django.setup()
    main()

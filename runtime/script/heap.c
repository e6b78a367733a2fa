/*
 * Memory of a VM. Each block carries its owner's account in front, so that what a run holds is
 * known in a VM that many runs share. A limit counts garbage: at four fifths of it a collection is
 * asked for, and a run whose live memory is still above three quarters is stopped.
 *
 * Memory is refused only while a script runs; then the alarm is raised at once, so that the script
 * is stopped before it can see the refusal.
 */
#include <stdlib.h>

#include "base/memory.h"
#include "script/vm_state.h"

struct block {
    struct vm_account *owner;
};

static void charge(struct vm *vm, struct vm_account *owner, size_t bytes)
{
    owner->used += bytes;
    vm->heap.used += bytes;
}

static void credit(struct vm *vm, struct vm_account *owner, size_t bytes)
{
    owner->used -= bytes;
    vm->heap.used -= bytes;
    if (owner->released && owner->used == 0)
        free(owner);
}

static bool passes(const struct vm_account *account, size_t more, size_t fifths)
{
    return account->limit != 0 && account->used + more > account->limit / 5 * fifths;
}

static bool refuses(struct vm *vm, struct vm_account *owner, size_t more)
{
    if (!vm->running)
        return false;
    if (passes(owner, more, 5) || passes(&vm->heap, more, 5)) {
        vm_raise(vm, ALARM_MEMORY);
        return true;
    }
    if (passes(owner, more, 4) || passes(&vm->heap, more, 4))
        vm_raise(vm, ALARM_COLLECT);
    return false;
}

void *vm_allocate(void *user, void *old, size_t old_size, size_t new_size)
{
    struct vm *vm = user;
    struct block *block = old ? (struct block *)old - 1 : NULL;
    struct vm_account *owner = block ? block->owner : vm->charged;
    if (new_size == 0) {
        if (block)
            credit(vm, owner, old_size + sizeof *block);
        free(block);
        return NULL;
    }
    size_t before = block ? old_size + sizeof *block : 0;
    size_t after = new_size + sizeof *block;
    if (after > before && refuses(vm, owner, after - before))
        return NULL;
    block = memory_resize(block, after);
    block->owner = owner;
    charge(vm, owner, after);
    credit(vm, owner, before);
    return block + 1;
}

struct vm_account *vm_account_new(size_t limit)
{
    struct vm_account *account = memory_new(sizeof *account);
    account->limit = limit;
    return account;
}

void vm_account_free(struct vm_account *account)
{
    account->released = true;
    if (account->used == 0)
        free(account);
}

size_t vm_account_used(const struct vm_account *account)
{
    return account->used;
}

void vm_charge(struct vm *vm, struct vm_account *account)
{
    vm->charged = account ? account : &vm->own;
}

bool vm_memory_is_tight(const struct vm *vm)
{
    const struct vm_account *run = vm->charged;
    return (run->limit != 0 && run->used > run->limit / 4 * 3) ||
           (vm->heap.limit != 0 && vm->heap.used > vm->heap.limit / 4 * 3);
}
